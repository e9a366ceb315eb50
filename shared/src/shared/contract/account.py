"""What memory is asked about a whole account: export, erasure; and an output that was made elsewhere, to be stored."""

from typing import Any

from pydantic import Field

from shared.contract.base import Message
from shared.contract.objects import ChatMessage, Usage
from shared.contract.person import Action, CalendarEvent, DoneAction, Note, PinnedMemory, Task
from shared.contract.state import Change
from shared.contract.topics import Call


class Export(Message):
    """A page of everything that is kept of this user. `cursor` is the `next` of the page before."""

    user: str
    cursor: str | None = None


class ExportPage(Message):
    """`records` have a `type` each and are in an order that can be read again; `done` of `total` have been given so far."""

    records: list[dict[str, Any]]
    next: str | None = None
    done: int
    total: int


class EraseAccount(Message):
    """Deletes everything of this user: rows, search index, embeddings, audit, streams. Idempotent."""

    user: str


class Erased(Message):
    """What is gone now: how many, by kind."""

    counts: dict[str, Any]


class StoreOutput(Change):
    """A final output of a model that ran outside a generation: a message, what it asked for, a summary of the conversation.

    Without `conversation_id` a conversation is made. `asked_by` names who vouches for it, for the audit.
    """

    asked_by: str
    text: str
    conversation_id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    actions: list[Action] = Field(default_factory=list[Action])
    summary: str | None = None
    prompt_hash: str | None = None
    output_hash: str | None = None


class StoredOutput(Message):
    """What came of it, in full."""

    message: ChatMessage
    conversation_id: str
    tasks: list[Task] = Field(default_factory=list[Task])
    notes: list[Note] = Field(default_factory=list[Note])
    pinned_memories: list[PinnedMemory] = Field(default_factory=list[PinnedMemory])
    calendar: list[CalendarEvent] = Field(default_factory=list[CalendarEvent])
    actions: list[DoneAction] = Field(default_factory=list[DoneAction])
    refused: list[str] = Field(default_factory=list[str])
    """Why an action was not carried out, one sentence each."""


EXPORT = Call("memory", "export", Export, ExportPage)
ERASE_ACCOUNT = Call("memory", "erase_account", EraseAccount, Erased)
STORE_OUTPUT = Call("memory", "store_output", StoreOutput, StoredOutput)
