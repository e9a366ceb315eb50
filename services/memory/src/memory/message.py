"""What is shown of a message, and how much of a conversation fits into an answer or a prompt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from shared.contract.objects import (
    Attachment,
    ChatMessage,
    FinishReason,
    MessageStatus,
    Problem,
    PromptCall,
    PromptMessage,
    Role,
    Usage,
)
from shared.contract.person import DoneAction

SHOWN_ATTACHMENT, SHOWN_ATTACHMENTS = 8 * 1024, 64 * 1024
"""Characters of an attachment, and of all of a message, that clients are shown: an event has to fit into a NATS message.
The model gets the whole text.
"""


@dataclass(frozen=True, slots=True)
class Filling:
    """What an answer is filled in with at its end."""

    status: MessageStatus
    text: str
    reason: FinishReason
    model: str | None = None
    usage: Usage | None = None
    error: Problem | None = None
    actions: tuple[DoneAction, ...] = ()
    tool_calls: list[dict[str, Any]] | None = None


TITLE_LENGTH = 60


def shown(message: ChatMessage) -> ChatMessage:
    """The message as clients see it: long attachments are cut."""
    if not message.attachments:
        return message
    cut: list[Attachment] = []
    left = SHOWN_ATTACHMENTS
    for attachment in message.attachments:
        text = attachment.text[: min(SHOWN_ATTACHMENT, left)]
        left -= len(text)
        cut.append(attachment.model_copy(update={"text": text}))
    return message.model_copy(update={"attachments": cut})


def title_of(text: str) -> str | None:
    """A title for a conversation that begins with this text, or None when there is nothing to say."""
    words = " ".join(text.split())
    if len(words) <= TITLE_LENGTH:
        return words or None
    return words[: TITLE_LENGTH - 1].rstrip() + "…"


def fitting(newest_first: Sequence[ChatMessage], limit: int, budget: int) -> list[ChatMessage]:
    """The newest messages that fit into `limit` and `budget` bytes, oldest first; at least one if there is one."""
    page: list[ChatMessage] = []
    for message in newest_first[:limit]:
        budget -= len(message.encode())
        if page and budget < 0:
            break
        page.append(message)
    return page[::-1]


class Remembered(NamedTuple):
    """A message of the branch as a model may be given it. A tuple: hundreds are made on the way to a first token."""

    role: Role
    text: str
    status: MessageStatus
    attachments: tuple[Attachment, ...] = ()
    id: str = ""
    calls: tuple[PromptCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    called: str | None = None
    """Calls of tools that it shows, as JSON."""

    @property
    def usable(self) -> bool:
        """Answers that failed or are empty would only confuse a model."""
        if self.status not in ("completed", "cancelled"):
            return False
        return bool(self.text or self.attachments or self.calls or self.tool_call_id)

    def prompt(self, text: str) -> PromptMessage:
        """As a model is given it, with this text."""
        calls = list(self.calls) or None
        return PromptMessage(role=self.role, text=text, tool_calls=calls, tool_call_id=self.tool_call_id, name=self.name)
