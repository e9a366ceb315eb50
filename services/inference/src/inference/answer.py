"""An answer as it grows."""

from typing import Final

from inference.delta import ToolCall
from shared.contract.objects import FinishReason, Usage

THOUGHT_FACTOR: Final = 4
"""Reasoning may be this much longer than an answer: it is not kept, but somebody has to read past it."""


class Answer:
    """What the model has said so far, never more than `limit` characters of text."""

    def __init__(self, limit: int) -> None:
        self._parts: list[str] = []
        self._room = limit
        self._room_to_think = limit * THOUGHT_FACTOR
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
    def full(self) -> bool:
        """Whether the model said more than is taken."""
        return self._room < 0 or self._room_to_think < 0

    def say(self, text: str) -> str:
        """Takes a piece of text in; returns what of it fits."""
        fits = text[: self._room]
        self._room -= len(text)
        self._parts.append(fits)
        self.pieces += 1
        return fits

    def think(self, text: str) -> str:
        """Counts a piece of reasoning; returns what of it fits."""
        fits = text[: self._room_to_think]
        self._room_to_think -= len(text)
        self.pieces += 1
        return fits
