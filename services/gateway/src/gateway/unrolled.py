"""What was sent can't be taken back: an attempt that begins anew must first repeat it, or the stream fails."""

from collections.abc import Sequence

from pydantic_core import to_json

from shared.contract.events import ToolStarted
from shared.contract.objects import ChatMessage, PromptCall


class Diverged(Exception):
    """Another attempt says something else than what was sent already."""


class Unrolled:
    """The text that was sent."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._seen: str | None = None
        """What the attempt has said, while that is no more than was sent."""
        self._blind = False

    @property
    def sent(self) -> str:
        """All of it."""
        self._parts = ["".join(self._parts)]
        return self._parts[0]

    def restart(self) -> None:
        """The text of earlier attempts is void; this one is seen from its beginning."""
        self._seen = "" if self._parts else None
        self._blind = False

    def gap(self) -> None:
        """Some text was missed: wait for the end."""
        self._blind = True

    def push(self, text: str) -> str:
        """What to send now that the attempt goes on with `text`. Raises Diverged."""
        if self._blind:
            return ""
        if self._seen is None:
            self._parts.append(text)
            return text
        seen = self._seen + text
        rest = self.end(seen)
        self._seen = None if len(seen) >= len(self.sent) else seen
        return rest

    def end(self, text: str) -> str:
        """What is still to be sent of the whole text. Raises Diverged."""
        sent = self.sent
        if len(text) <= len(sent):
            if not sent.startswith(text):
                raise Diverged
            return ""
        if not text.startswith(sent):
            raise Diverged
        self._parts = [text]
        return text[len(sent) :]


class Calls:
    """The calls that were sent, each with its place."""

    def __init__(self) -> None:
        self.sent: list[PromptCall] = []
        self._seen = 0
        self._blind = False

    def restart(self) -> None:
        """This attempt is seen from its beginning."""
        self._seen = 0
        self._blind = False

    def gap(self) -> None:
        """Some may have been missed: wait for the end."""
        self._blind = True

    def push(self, call: PromptCall) -> list[tuple[int, PromptCall]]:
        """The call with its place, unless it was sent already. Raises Diverged."""
        if self._blind:
            return []
        place = self._seen
        self._seen += 1
        return self._placed(place, call)

    def end(self, calls: Sequence[PromptCall]) -> list[tuple[int, PromptCall]]:
        """Those of the stored calls that are still to be sent. Raises Diverged."""
        return [placed for place, call in enumerate(calls) for placed in self._placed(place, call)]

    def _placed(self, place: int, call: PromptCall) -> list[tuple[int, PromptCall]]:
        if place < len(self.sent):
            if self.sent[place] != call:
                raise Diverged
            return []
        self.sent.append(call)
        return [(place, call)]


def called(event: ToolStarted) -> PromptCall:
    """The call that the model made; its arguments in JSON."""
    return PromptCall(id=event.tool_call_id, name=event.name, arguments=to_json(event.arguments).decode())


def left_to_client(answer: ChatMessage) -> list[PromptCall]:
    """The calls of a stored answer that nobody has carried out here."""
    return [
        PromptCall(id=call["id"], name=call["name"], arguments=to_json(call["arguments"]).decode())
        for call in answer.tool_calls or []
        if "status" not in call
    ]
