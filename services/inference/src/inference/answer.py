"""An answer as it grows, round by round."""

from collections.abc import Sequence
from typing import Final

from inference.delta import ToolCall
from shared.contract.objects import FinishReason, Usage
from shared.contract.tools import Round
from shared.paragraphs import joined, joint

THOUGHT_FACTOR: Final = 4
"""Reasoning may be this much longer than an answer: it is not kept, but somebody has to read past it."""


class Answer:
    """What the model has said so far, never more than `limit` characters of text. `usage`, `reason` and `calls` are of the
    round that runs."""

    def __init__(self, limit: int) -> None:
        self._parts: list[str] = []
        self._room = limit
        self._room_to_think = limit * THOUGHT_FACTOR
        self._joint = ""
        """What goes before the next word: paragraphs of different rounds stay apart."""
        self._began = 0
        """Where the parts of this round begin."""
        self._spent: Usage | None = None
        """What the rounds before have cost."""
        self.pieces = 0
        self.usage: Usage | None = None
        self.reason: FinishReason | None = None
        self.calls: list[ToolCall] = []
        self.model: str | None = None
        """Who answers, as soon as that is known."""

    @property
    def text(self) -> str:
        """The whole text so far."""
        return "".join(self._parts)

    @property
    def round_text(self) -> str:
        """What this round has said."""
        return "".join(self._parts[self._began :])

    @property
    def spent(self) -> Usage | None:
        """What all rounds have cost."""
        return _sum(self._spent, self.usage)

    @property
    def full(self) -> bool:
        """Whether the model said more than is taken."""
        return self._room < 0 or self._room_to_think < 0

    def say(self, text: str) -> str:
        """Takes a piece of text in; returns what of it fits, with what goes before it."""
        before = ""
        if self._joint:
            before, self._joint = self._take(self._joint), ""
            self._began = len(self._parts)
        self.pieces += 1
        return before + self._take(text)

    def think(self, text: str) -> str:
        """Counts a piece of reasoning; returns what of it fits."""
        fits = text[: self._room_to_think]
        self._room_to_think -= len(text)
        self.pieces += 1
        return fits

    def next_round(self) -> None:
        """What the model says from now on belongs to another round."""
        self._spent, self.usage, self.reason, self.calls = self.spent, None, None, []
        self._joint = joint(self.text)
        self._began = len(self._parts)

    def again(self, rounds: Sequence[Round]) -> str:
        """Takes in what an earlier attempt has said in these rounds; returns it as one text."""
        said: list[str] = []
        for one in rounds:
            if one.text:
                said.append(self.say(one.text))
            self.usage = one.usage
            self.next_round()
        return "".join(said)

    def _take(self, text: str) -> str:
        fits = text[: self._room]
        self._room -= len(text)
        self._parts.append(fits)
        return fits


def _sum(one: Usage | None, other: Usage | None) -> Usage | None:
    if one is None or other is None:
        return one or other
    return Usage(
        prompt_tokens=one.prompt_tokens + other.prompt_tokens,
        completion_tokens=one.completion_tokens + other.completion_tokens,
        total_tokens=one.total_tokens + other.total_tokens,
        estimated=one.estimated or other.estimated,
    )


def text_of(rounds: Sequence[Round]) -> str:
    """What these rounds have said, as one text."""
    return joined(one.text for one in rounds)
