"""Folds a stream into what a screen would show, and watches the promises while it does."""

from typing import Any

from support.sse import ServerEvent

TERMINAL = {"message.completed", "message.failed", "message.cancelled"}


class Fold:
    """Texts by message, as they grow. Raises AssertionError when an event breaks a promise of the stream."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.attempts: dict[str, int] = {}
        self.indexes: dict[str, int] = {}
        self.stored: dict[str, dict[str, Any]] = {}
        self.ends: dict[str, str] = {}
        self.resets: list[str] = []
        self.restarts = 0
        self.ids: list[str] = []
        self._last: tuple[str, int] | None = None

    def apply(self, event: ServerEvent) -> None:
        """Takes the next event."""
        if event.event == "reset":
            self.resets.append(event.data["reason"])
            return
        if event.id:
            self._in_order(event)
        if event.event in ("generation.started", "generation.restarted"):
            self._begin(event)
        elif event.event == "llm.token":
            self._token(event.data)
        elif event.event == "message.created":
            self.stored[event.data["message"]["id"]] = event.data["message"]
        elif event.event in TERMINAL:
            self._end(event)

    def _in_order(self, event: ServerEvent) -> None:
        incarnation, _, sequence = event.id.rpartition("-")
        place = (incarnation, int(sequence))
        if self._last is not None and self._last[0] == incarnation:
            assert place[1] > self._last[1], f"{event.id} after {self._last}"
        self._last = place
        self.ids.append(event.id)

    def _begin(self, event: ServerEvent) -> None:
        data = event.data
        assert data["attempt"] > self.attempts.get(data["messageId"], 0), "an earlier attempt begins again"
        self.restarts += event.event == "generation.restarted"
        self.attempts[data["messageId"]] = data["attempt"]
        self.indexes[data["messageId"]] = -1
        self.texts[data["messageId"]] = ""

    def _token(self, data: dict[str, Any]) -> None:
        message = data["messageId"]
        assert message not in self.ends, "a token after the end"
        if message not in self.attempts:
            return  # joined in the middle of somebody else's answer: its text comes whole at its end
        assert data["attempt"] == self.attempts[message], "a token of a void attempt"
        assert data["index"] == self.indexes.get(message, -1) + 1, f"index {data['index']} after {self.indexes.get(message)}"
        self.indexes[message] = data["index"]
        self.texts[message] = self.texts.get(message, "") + data["token"]

    def _end(self, event: ServerEvent) -> None:
        message = event.data["messageId"]
        assert message not in self.ends, "a second end"
        self.ends[message] = event.event
        self.stored[message] = event.data["message"]
        if message in self.texts:
            assert self.texts[message] == event.data["message"]["text"], "folded text is not the stored text"
