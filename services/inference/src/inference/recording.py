"""Conversations as they were recorded, and which answer of them a prompt gets. Pure: lines in, turns out (N19)."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

from inference.commands import pieces
from inference.delta import Text, Thought, ToolCall
from inference.prompt import Prompt
from shared.contract.objects import Usage

JsonObject = dict[str, Any]
Said = Text | Thought | ToolCall
Timed = tuple[float, Said]
"""What was said, and when: Unix seconds."""

LONGEST_PAUSE: Final = 10.0
"""Seconds between two pieces; what was longer was somebody deciding about a tool, or a worker that died."""


class Unreadable(Exception):
    """A line that is no recording; the sentence says which."""


class Step(NamedTuple):
    """What is said, so many seconds after what was said before."""

    after: float
    said: Said


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer. Each round but the last ends with calls of tools, whose results begin the next one."""

    question: str
    rounds: tuple[tuple[Step, ...], ...]
    usage: Usage | None = None


def turns_of(lines: Iterable[str]) -> list[Turn]:
    """The answers that were completed, in their order. Lines are those of `GET /api/v1/export`, of a stream as it came over
    SSE, or of the feed's events one by one; what else they tell is left out. Raises Unreadable."""
    recorder = _Recorder()
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("data:").lstrip()
        if text.startswith("{"):
            recorder.take(_object(text, number))
    return list(recorder.turns())


def _object(text: str, number: int) -> JsonObject:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable(f"line {number} is not JSON") from None


@dataclass(slots=True)
class _Answer:
    question_id: str | None = None
    began: float | None = None
    ended: float | None = None
    steps: list[Timed] = field(default_factory=list[Timed])
    text: str | None = None
    calls: list[ToolCall] = field(default_factory=list[ToolCall])
    usage: Usage | None = None
    completed: bool = False


class _Recorder:
    """Puts together what many lines say about one answer, whatever their order."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._parts: dict[str, str] = {}
        self._answers: dict[str, _Answer] = {}

    def take(self, told: JsonObject) -> None:
        """One record of an export, or one event."""
        kind, message = told.get("type"), told.get("message")
        if kind == "message":
            self._message(told)
        elif isinstance(message, dict):
            self._message(cast("JsonObject", message))
        elif kind == "part" and told.get("of") == "message" and told.get("field") == "text":
            self._parts[told["id"]] = self._parts.get(told["id"], "") + told["text"]
        elif kind == "generation":
            answer = self._answer(told["id"])
            answer.began, answer.ended = _moment(told.get("createdAt")), _moment(told.get("endedAt"))
        elif "generationId" in told and "attempt" in told:
            self._event(kind, told)

    def turns(self) -> Iterator[Turn]:
        """What was completed."""
        for answer in self._answers.values():
            if answer.completed:
                steps = answer.steps or self._without_timing(answer)
                question = self._text(answer.question_id or "")
                yield Turn(question, _rounds(steps, answer.began), answer.usage)

    def _message(self, message: JsonObject) -> None:
        self._texts[message["id"]] = message.get("text") or ""
        generation = message.get("generationId")
        if message.get("role") != "assistant" or not generation:
            return
        answer = self._answer(generation)
        answer.question_id = message.get("parentId") or answer.question_id
        if message.get("status") == "completed":
            answer.completed, answer.text = True, message["id"]
            answer.usage = Usage.model_validate(message["usage"], extra="ignore") if message.get("usage") else None
            calls = cast("list[JsonObject]", message.get("toolCalls") or [])
            answer.calls = [_call(call["id"], call) for call in calls if call.get("id") and call.get("name")]

    def _event(self, kind: object, told: JsonObject) -> None:
        answer, at = self._answer(told["generationId"]), _moment(told.get("at")) or 0.0
        if kind in ("token", "reasoning"):
            answer.steps.append((at, (Text if kind == "token" else Thought)(told["token"])))
        elif "model" in told:  # It began, perhaps again: what was said before is void.
            answer.began, answer.steps = at, []
        elif "arguments" in told and "status" not in told:
            answer.steps.append((at, _call(told["toolCallId"], told)))

    def _answer(self, generation: str) -> _Answer:
        return self._answers.setdefault(generation, _Answer())

    def _text(self, message: str) -> str:
        return self._parts.get(message) or self._texts.get(message, "")

    def _without_timing(self, answer: _Answer) -> list[Timed]:
        """An export knows when an answer began and ended: its words are spread evenly over that time."""
        words = list(pieces(self._text(answer.text or "")))
        begin, end = answer.began or 0.0, answer.ended or answer.began or 0.0
        step = (end - begin) / (len(words) + 1)
        said = [(begin + step * number, Text(word)) for number, word in enumerate(words, 1)]
        return [*((begin, call) for call in answer.calls), *said]


def _rounds(steps: Sequence[Timed], began: float | None) -> tuple[tuple[Step, ...], ...]:
    rounds: list[list[Step]] = [[]]
    before = began or (steps[0][0] if steps else 0.0)
    for at, said in steps:
        if rounds[-1] and isinstance(rounds[-1][-1].said, ToolCall) and not isinstance(said, ToolCall):
            rounds.append([])
        rounds[-1].append(Step(min(max(at - before, 0.0), LONGEST_PAUSE), said))
        before = at
    return tuple(map(tuple, rounds))


def _call(call_id: str, told: JsonObject) -> ToolCall:
    arguments = told.get("arguments")
    return ToolCall(call_id, told["name"], arguments if isinstance(arguments, str) else json.dumps(arguments or {}))


def _moment(text: object) -> float | None:
    return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None


def chosen(turns: Sequence[Turn], prompt: Prompt) -> tuple[Turn, tuple[Step, ...]]:
    """The turn with the same question, the n-th one when it is asked for the n-th time; else the one at this place of the
    conversation, from the beginning again after the last. And of it the round that comes now."""
    asked = [_folded(message.text) for message in prompt.messages if message.role == "user"] or [""]
    same = [turn for turn in turns if _folded(turn.question) == asked[-1]]
    turn = same[(asked.count(asked[-1]) - 1) % len(same)] if same else turns[(len(asked) - 1) % len(turns)]
    since = [message.role for message in _after_question(prompt)]
    return turn, turn.rounds[min(since.count("assistant"), len(turn.rounds) - 1)]


def _after_question(prompt: Prompt) -> Iterator[Any]:
    for message in reversed(prompt.messages):
        if message.role == "user":
            return
        yield message


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
