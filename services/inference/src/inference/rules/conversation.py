"""One round of a conversation with the built-in commands: what is said next, or which tools are called next.

Nothing is kept between rounds: whatever was asked and done is read again out of the messages, as a workflow
replays its journal.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from inference.delta import ToolCall
from inference.rules import talk
from inference.rules.heard import Ask, Said, Script
from inference.rules.toolbox import Answers, Call, Result, Toolbox, result_of
from inference.rules.understanding import CANCELLED, EXAMPLES, Understood, answers_it, meant, understood
from inference.rules.wording import wording
from shared.contract.objects import PromptMessage

_ATTACHED = re.compile(r"(?:\A|\n\n)<data [0-9a-f]{16}: attachment ")

REMEMBERED: Final = 12
"""Turns back that a question may have been asked."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What comes next: calls, or words."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class _Round:
    """Calls that were made, and what came of them."""

    names: tuple[str, ...]
    answers: Answers


def turn(messages: Sequence[PromptMessage], tools: Toolbox, now: datetime) -> Turn:
    """The next round after these messages. `now` is in the person's timezone."""
    last = next((place for place in range(len(messages) - 1, -1, -1) if messages[place].role == "user"), None)
    if last is None:
        return Turn(talk.GREETING)
    ask, answer = _asked(messages[:last], now, tools)
    said = own_words(messages[last].text)
    if ask and not answers_it(said, ask, now, tools):
        ask = None
    text = meant(said, ask, answer)
    if text is None:
        return Turn(CANCELLED)
    understanding = understood(text, now, tools)
    if not understanding.answers:
        return Turn(talk.not_understood(wording(said).text, EXAMPLES))
    return _play(understanding, list(_rounds(messages[last + 1 :])), tools, f"{last}:{text}")


def own_words(text: str) -> str:
    """What the person has said, without the attachments behind it: what strangers wrote is no command (S9)."""
    attached = _ATTACHED.search(text)
    return text[: attached.start()] if attached else text


def _asked(messages: Sequence[PromptMessage], now: datetime, tools: Toolbox) -> tuple[Ask | None, str]:
    """The question that we asked with our last answer, and that answer."""
    ask, answer = None, ""
    for said, reply in list(_exchanges(messages))[-REMEMBERED:]:
        text = meant(said, ask if ask and answers_it(said, ask, now, tools) else None, answer)
        found = understood(text, now, tools).question if text else None
        # It may have been asked on another day: what follows the first words may be a date.
        ask, answer = (found if found and found.question[:12] in reply else None), reply
    return ask, answer


def _exchanges(messages: Sequence[PromptMessage]) -> Iterator[tuple[str, str]]:
    """What was said, and the last words of the answer."""
    said: str | None = None
    reply = ""
    for message in messages:
        if message.role == "user":
            if said is not None:
                yield said, reply
            said, reply = own_words(message.text), ""
        elif message.role == "assistant" and message.text:
            reply = message.text
    if said is not None:
        yield said, reply


def _rounds(messages: Sequence[PromptMessage]) -> Iterator[_Round]:
    """What was done for the newest question so far."""
    results = {message.tool_call_id: result_of(message.text) for message in messages if message.role == "tool"}
    missing = Result("", None, "there is no answer from the tool")
    for message in messages:
        if message.role == "assistant" and message.tool_calls:
            answers = Answers([results.get(call.id, missing) for call in message.tool_calls])
            yield _Round(tuple(call.name for call in message.tool_calls), answers)


def _play(understanding: Understood, rounds: list[_Round], tools: Toolbox, key: str) -> Turn:
    """Runs the answers one after the other over what was done already, up to what has to be done now."""
    done = iter(rounds)
    said: list[str] = []
    for number, answer in enumerate(understanding.answers):
        step = _run(answer, done, tools)
        if not isinstance(step, str):
            return Turn(calls=tuple(_identified(step, tools, f"{key}:{len(rounds)}:{number}")))
        said.append(step)
    return Turn("\n\n".join(said))


def _run(answer: "Script | Said", done: Iterator[_Round], tools: Toolbox) -> str | tuple[Call, ...]:
    """The words that an answer ends with, or the calls that it waits for."""
    if isinstance(answer, Ask):
        return answer.question
    if isinstance(answer, str):
        return answer
    answers: Answers | None = None
    try:
        while True:
            calls = answer.send(answers) if answers else next(answer)
            if missing := next((call.name for call in calls if call.name not in tools), None):
                return _no_tool(missing, tools)
            before = next(done, None)
            if before is None:
                return calls
            if problem := _problem(calls, before):
                return problem
            answers = before.answers
    except StopIteration as end:
        value: Said = end.value
        return value.question if isinstance(value, Ask) else value


def _problem(calls: tuple[Call, ...], before: _Round) -> str | None:
    if before.names != tuple(call.name for call in calls):
        return "What was done meanwhile does not fit what I would do now; please say it again."
    done = zip(calls, before.answers.results, strict=True)
    failed = [(call.name, result.problem) for call, result in done if result.problem and not call.may_fail]
    if not failed:
        return None
    return "\n".join(f"That did not work (`{name}`): {problem}" for name, problem in failed)


def _no_tool(name: str, tools: Toolbox) -> str:
    if not tools.names:
        return f"I understood that, but there are no tools in this conversation; I would need `{name}`."
    return f"I understood that, but the tool for it, `{name}`, is not there in this conversation."


def _identified(calls: tuple[Call, ...], tools: Toolbox, key: str) -> Iterator[ToolCall]:
    """Calls as they are sent; the same question gets the same ids."""
    for number, call in enumerate(calls):
        known = sha256(f"{key}:{number}".encode()).hexdigest()[:16]
        yield ToolCall(f"call_{known}", call.name, json.dumps(tools.fitted(call), ensure_ascii=False))
