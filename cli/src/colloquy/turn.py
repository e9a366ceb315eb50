"""One answer as a reader of its events sees it: what is new to show, and how it ended."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from colloquy.frames import Frame
from shared.contract.events import TERMINAL

_Object = TypeAdapter(dict[str, Any])


@dataclass(slots=True)
class Turn:
    """An answer while it grows. `shown` is the text that was handed out."""

    generation: str
    answer: str
    shown: str = ""
    attempt: int = 0
    ended: str = ""
    problem: str = ""

    def take(self, frame: Frame) -> str:
        """The text to show because of this event."""
        if frame.type not in {"llm.token", "generation.started", "generation.restarted", *TERMINAL}:
            return ""
        data = _Object.validate_json(frame.data)
        if data.get("generationId") != self.generation:
            return ""
        if frame.type in TERMINAL:
            return self.settle(frame.type.removeprefix("message."), data["message"])
        voided = self._begin(int(data["attempt"]))
        return voided + (self._show(data["token"]) if frame.type == "llm.token" else "")

    def settle(self, status: str, message: dict[str, Any]) -> str:
        """The end, from a terminal event or from a stored message: what of its text was not shown yet."""
        self.ended = status
        self.problem = (message.get("error") or {}).get("message", "")
        text: str = message["text"]
        if text.startswith(self.shown):
            return self._show(text[len(self.shown) :])
        self.shown = text
        return f"\n{text}"

    def _begin(self, attempt: int) -> str:
        voided, self.attempt = attempt > self.attempt > 0 and self.shown, attempt
        if not voided:
            return ""
        self.shown = ""
        return "\n(interrupted; again:)\n"

    def _show(self, text: str) -> str:
        self.shown += text
        return text
