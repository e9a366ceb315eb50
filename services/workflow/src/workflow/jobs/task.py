"""The workflow `task`: a goal is planned by a model, worked on item by item, and what comes of it is kept as a note.

Where an item needs a tool, the model says so, and the call is a step of its own.
"""

from functools import partial
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from shared.contract.base import Message
from shared.contract.inference import Complete
from shared.contract.objects import PromptMessage
from shared.contract.state import CreateNote
from shared.contract.tools import Tool
from shared.errors import Busy
from workflow.definition import Definition, workflow
from workflow.failure import StepError
from workflow.jobs import using_tools, wording
from workflow.jobs.keys import operation_id
from workflow.jobs.ports import Ports
from workflow.jobs.using_tools import Use
from workflow.retries import Retries
from workflow.step import Attempt, Step

ASKING = Retries(limit=6, delay=2.0)
"""Models are busy, or say nonsense, and are asked again: for two minutes, then the task fails with the reason."""

CALLING = Retries(limit=3, delay=2.0)


class Goal(Message):
    """What is to be reached; the installation's first model works on it, or the one that is named."""

    goal: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8_000)]
    model: str | None = Field(default=None, max_length=255)


def task(ports: Ports) -> Definition:
    """The workflow."""

    @workflow("task")
    async def work(step: Step, params: Goal) -> dict[str, Any]:
        goal, model = wording.storable(params.goal), params.model
        planned = await step.do("plan", partial(_plan, ports, goal, model), retries=ASKING)
        plan, tools, by_rules = planned["plan"], planned.get("tools", []), planned["byRules"]
        done: list[str] = []
        for number, item in enumerate(plan, 1):
            use = using_tools.by_rule(item, tools) if by_rules else None
            if use is not None:
                done.append(await _used(step, ports, number, use))
            else:
                asked = wording.to_work(goal, plan, done, model, using_tools.told(tools))
                done.append(await _worked(step, ports, wording.step_name(number, item), number, asked, tools))
        if by_rules:
            result = kept = wording.by_rules(plan, done)
        else:
            asked = wording.to_sum_up(goal, plan, done, model)
            result = await step.do("result", partial(_say, ports, asked), retries=ASKING)
            kept = wording.noted(plan, result)
        note_id = await _kept(step, ports, f"Task: {goal[:200]}", kept)
        return {"plan": plan, "result": result, "noteId": note_id}

    return work


async def _plan(ports: Ports, goal: str, model: str | None, attempt: Attempt) -> dict[str, Any]:
    tools = using_tools.usable(await _offered(ports, attempt))
    names = [tool["name"] for tool in tools]
    said = await ports.models.complete(attempt, wording.to_plan(goal, model, names))
    return {"plan": wording.plan_of(said.text), "byRules": said.kind == "embedded", "tools": tools}


async def _offered(ports: Ports, attempt: Attempt) -> list[Tool]:
    """A plan can be made without tools, when nobody says which there are."""
    try:
        return await ports.tools.offered(attempt.about)
    except Busy:
        return []


async def _worked(step: Step, ports: Ports, name: str, number: int, asked: Complete, tools: list[dict[str, Any]]) -> str:
    """What came of one item: the model's words, after it has used what tools it wanted."""
    for _ in range(using_tools.MOST_CALLS):
        said = await step.do(name, partial(_say, ports, asked), retries=ASKING)
        use = using_tools.use_of(said, tools)
        if use is None:
            return said
        given = await _used(step, ports, number, use)
        answered = [PromptMessage(role="assistant", text=said), PromptMessage(role="user", text=given)]
        asked = asked.model_copy(update={"messages": [*asked.messages, *answered]})
    return "It used as many tools as it may for one step, and has not come to an end."


async def _used(step: Step, ports: Ports, number: int, use: Use) -> str:
    """What the tool gave. One that fails is something that the model has to know, not the end of the task."""

    async def call(attempt: Attempt) -> str:
        outcome = await ports.tools.call(attempt, use.name, use.arguments)
        return wording.storable(using_tools.result_of(use, outcome))

    try:
        return await step.do(f"{number}. use {use.name}", call, retries=CALLING)
    except StepError as error:
        return f"{use.name} failed: {error.problem.message}"


async def _say(ports: Ports, question: Complete, attempt: Attempt) -> str:
    return wording.storable((await ports.models.complete(attempt, question)).text)[: wording.LONGEST_TEXT]


async def _kept(step: Step, ports: Ports, title: str, text: str) -> str | None:
    """The id of the note. A person who can't have more notes still has the result of the workflow."""
    user = step.about.user

    async def keep(attempt: Attempt) -> str:
        key = operation_id(attempt.key)
        note = CreateNote(user=user, operation_id=key, title=title, text=text, tags=["task"])
        return (await ports.memory.create_note(note)).id

    try:
        return await step.do("store", keep)
    except StepError:
        return None
