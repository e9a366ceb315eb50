"""What the AI SDK's `useChat` sends: the newest message counts, the rest is known here better. No input or output here."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Any, Literal, cast

from pydantic import Field, StringConstraints

from gateway.faults import Unsupported
from gateway.openai import Foreign
from gateway.requests import Name
from shared.contract.memory import SendMessage
from shared.contract.objects import ChatMessage
from shared.errors import Invalid
from shared.ids import new_id

ChatName = Annotated[str, StringConstraints(min_length=1, max_length=255)]
_FINISHED = ("output-available", "output-error", "output-denied")


class UiMessage(Foreign):
    """A message as the client has it. Of parts only those are read that say something new."""

    id: Annotated[str, StringConstraints(max_length=255)] = ""
    role: str
    parts: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])

    @property
    def text(self) -> str:
        """What its text parts say."""
        return "".join(part["text"] for part in self.parts if part.get("type") == "text" and isinstance(part.get("text"), str))

    def tools(self) -> Iterator[dict[str, Any]]:
        """Its calls of tools."""
        for part in self.parts:
            kind = part.get("type")
            if isinstance(kind, str) and kind.startswith(("tool-", "dynamic-tool")) and isinstance(part.get("toolCallId"), str):
                yield part


@dataclass(frozen=True, slots=True)
class Known:
    """What a client has of an answer that goes on: its text, and its calls, with those that have an outcome."""

    text: str = ""
    calls: frozenset[str] = field(default_factory=frozenset[str])
    finished: frozenset[str] = field(default_factory=frozenset[str])
    approvals: dict[str, str] = field(default_factory=dict[str, str])
    """Calls that leave was asked for, by their approval."""


class UiRequest(Foreign):
    """The body of POST /ai/chat. `id` is the client's own name for the chat."""

    id: ChatName
    messages: Annotated[list[UiMessage], Field(min_length=1, max_length=5_000)]
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    message_id: Annotated[str, StringConstraints(max_length=255)] | None = Field(default=None, alias="messageId")
    model: Name | None = None
    persona: Name | None = None
    language: Annotated[str, StringConstraints(min_length=1, max_length=35)] | None = None

    @property
    def last(self) -> UiMessage:
        """The newest message."""
        return self.messages[-1]

    def question(self) -> str:
        """What the user wrote. Raises Unsupported for what is no text, Invalid."""
        last = self.last
        if last.role != "user":
            raise Unsupported("The last message must be a user's, or decide about a call.", param="messages")
        for part in last.parts:
            if part.get("type") == "file":
                raise Unsupported("Files are not supported here.", param="messages")
        if not last.text.strip():
            raise Invalid("The last message has no text.", param="messages")
        return last.text

    def order(self, user: str) -> SendMessage:
        """What memory is asked to do. Raises Unsupported, Invalid."""
        return SendMessage(
            user=user,
            text=self.question(),
            chat=self.id,
            client_message_id=self.key if self.last.id else None,
            model=self.model,
            persona=self.persona,
            language=self.language,
        )

    @property
    def key(self) -> str:
        """What the newest message is known by: clients count their messages anew in each chat."""
        return "ai-" + sha256(f"{len(self.id)} {self.id} {self.last.id}".encode()).hexdigest()[:40]

    @property
    def edited_key(self) -> str:
        """The same for another version of it."""
        return f"{self.key}.{new_id('m')}"

    def stored(self, newest_first: list[ChatMessage]) -> ChatMessage | None:
        """The newest message among these, if it is stored."""
        return next((one for one in newest_first if (one.client_message_id or "").partition(".")[0] == self.key), None)

    def decisions(self) -> dict[str, bool]:
        """What the user decided about calls, by approval: in the last message, which the assistant wrote."""
        decided: dict[str, bool] = {}
        for part in self.last.tools() if self.last.role == "assistant" else ():
            approval: Any = part.get("approval")
            if part.get("state") == "approval-responded" and isinstance(approval, dict):
                said = cast("dict[str, Any]", approval)
                if isinstance(said.get("id"), str) and isinstance(said.get("approved"), bool):
                    decided[said["id"]] = said["approved"]
        return decided

    def known(self) -> Known:
        """What the client has of the answer that it decided about."""
        tools = list(self.last.tools())
        finished = frozenset(part["toolCallId"] for part in tools if part.get("state") in _FINISHED)
        approvals: dict[str, str] = {}
        for part in tools:
            approval: Any = part.get("approval")
            if isinstance(approval, dict) and isinstance(name := cast("dict[str, Any]", approval).get("id"), str):
                approvals[name] = part["toolCallId"]
        return Known(self.last.text, frozenset(part["toolCallId"] for part in tools), finished, approvals)
