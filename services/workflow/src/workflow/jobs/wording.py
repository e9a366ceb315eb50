"""What a model is told and asked to work on a goal, how its plan is read, and what comes of it as a text. Pure."""

import json
from collections.abc import Sequence
from typing import Any, Final, cast

from shared.contract.inference import Complete
from shared.contract.objects import PromptMessage, Sampling

MOST_ITEMS: Final = 12
LONGEST_ITEM: Final = 500
LONGEST_TEXT: Final = 16_000
"""Characters of what is said about one item that are kept."""

REPORTED: Final = 24_000
"""Characters of all that was said so far which the next question tells: small models have no room for more."""

SHOWN: Final = 120
"""Characters of an item in the name of its step."""

PLAN: Final = (
    "You plan. Answer with a JSON array of strings and nothing else: the steps, at most 12, each one short sentence, in which "
    "somebody who can only think and write reaches the goal in the next message. Use its language."
)
WORK: Final = (
    "You work on a goal step by step, by thinking and writing; you can't act in the world, and you say so where that would be "
    "needed. The person gives you the goal, you have planned, and the last message is the step to do now. Answer with what "
    "comes of this step alone, in the language of the goal."
)
WORK_WITH_TOOLS: Final = (
    "You work on a goal step by step. The person gives you the goal, you have planned, and the last message is the step to do "
    "now. Answer with what comes of this step alone, in the language of the goal. Say what neither you nor a tool can do."
)
RESULT: Final = (
    "You have worked on a goal step by step. Answer with the result as the person needs it, in the language of the goal: whole "
    "and by itself, without telling how you came to it. Say what could not be done."
)
BY_RULES: Final = "No AI model is connected: the built-in commands divided the goal by its wording and did what they can."


class Unreadable(Exception):
    """What the model said can't be read as a plan."""

    def __init__(self) -> None:
        super().__init__(f"The model's plan is not a JSON array of 1 to {MOST_ITEMS} short texts.")


def to_plan(goal: str, model: str | None, tools: Sequence[str] = ()) -> Complete:
    """The question for a plan. `tools`: names of those that the steps may use."""
    also = f" In a step these tools may be used too: {', '.join(tools)}." if tools else ""
    messages = [_said("system", PLAN + also), _said("user", goal)]
    return Complete(messages=messages, model=model, sampling=Sampling(temperature=0.2, max_tokens=1_500), form="list")


def to_work(goal: str, plan: Sequence[str], done: Sequence[str], model: str | None, tools: str = "") -> Complete:
    """The question for the next item of the plan. `tools`: what is told about them."""
    role = (WORK_WITH_TOOLS if tools else WORK) + tools
    messages = [_said("system", role), _said("user", goal), _said("assistant", progress(plan, done))]
    messages.append(_said("user", plan[len(done)]))
    return Complete(messages=messages, model=model, sampling=Sampling(max_tokens=2_000))


def to_sum_up(goal: str, plan: Sequence[str], done: Sequence[str], model: str | None) -> Complete:
    """The question for the result."""
    messages = [_said("system", RESULT), _said("user", goal), _said("assistant", progress(plan, done))]
    messages.append(_said("user", "Now the result, please."))
    return Complete(messages=messages, model=model, sampling=Sampling(max_tokens=4_000))


def plan_of(text: str) -> list[str]:
    """The steps that a model has planned. One fence around the array is forgiven. Raises Unreadable."""
    try:
        value: Any = json.loads(_unfenced(text.strip()))
    except (ValueError, RecursionError):
        raise Unreadable from None
    if not isinstance(value, list):
        raise Unreadable
    items = cast("list[Any]", value)
    if not 0 < len(items) <= MOST_ITEMS or not all(_is_item(item) for item in items):
        raise Unreadable
    return [storable(item) for item in items]


def _unfenced(text: str) -> str:
    head, _, rest = text.partition("\n")
    return rest.removesuffix("```") if head.strip() in ("```", "```json") and rest.endswith("```") else text


def _is_item(item: Any) -> bool:
    return isinstance(item, str) and bool(storable(item)) and len(item) <= LONGEST_ITEM


def storable(text: str) -> str:
    """The text as every database takes it."""
    return text.replace("\0", "").encode(errors="replace").decode().strip()


def step_name(number: int, item: str) -> str:
    """What the step of this item is called: names are shown to the person."""
    words = " ".join(item.replace("#", " ").split())
    return f"{number}. {words if len(words) <= SHOWN else words[: SHOWN - 1] + '…'}"


def progress(plan: Sequence[str], done: Sequence[str]) -> str:
    """The plan, and what came of its first items, each as far as there is room."""
    room = REPORTED // max(len(done), 1)
    lines = ["My plan:", *(f"{number}. {item}" for number, item in enumerate(plan, 1))]
    for number, said in enumerate(done, 1):
        lines += ["", f"Step {number}:", said if len(said) <= room else said[: room - 1] + "…"]
    return "\n".join(lines)


def by_rules(plan: Sequence[str], done: Sequence[str]) -> str:
    """The result where no model is there to word one."""
    parts = [f"{number}. {item}\n{said}" for number, (item, said) in enumerate(zip(plan, done, strict=True), 1)]
    return "\n\n".join([BY_RULES, *parts])


def noted(plan: Sequence[str], result: str) -> str:
    """The text of the note that is kept."""
    return "\n".join([result, "", "Steps:", *(f"{number}. {item}" for number, item in enumerate(plan, 1))])


def _said(role: Any, text: str) -> PromptMessage:
    return PromptMessage(role=role, text=text)
