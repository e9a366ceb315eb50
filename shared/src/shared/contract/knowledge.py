"""What memory is asked about what was said: search, and the digests (titles, summaries) that a model makes of conversations."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from shared.contract.base import Message
from shared.contract.inference import DigestKind
from shared.contract.memory import Done
from shared.contract.objects import PromptMessage, Role
from shared.contract.topics import Call


class Search(Message):
    """Messages and notes of this user that match, best first. Any text is a query: nothing in it is syntax but quotes."""

    user: str
    query: str
    limit: int = 20
    conversation_id: str | None = None


class Hit(Message):
    """Something found. `snippet` is an excerpt; `highlights` are pairs of start and end in it, in characters."""

    type: Literal["message", "note"]
    id: str
    conversation_id: str | None = None
    role: Role | None = None
    title: str | None = None
    """Of the note, or of the conversation."""
    snippet: str
    highlights: list[list[int]] = Field(default_factory=list[list[int]])
    score: float
    """Greater is better; comparable within one answer only."""
    created_at: datetime


class Hits(Message):
    """What was found."""

    hits: list[Hit]


class PrepareDigest(Message):
    """A worker is about to make a digest of this conversation. `worker` names the process, for the logs."""

    user: str
    conversation_id: str
    kind: DigestKind
    worker: str


class DigestMaterial(Message):
    """What the digest is made of. `done`: none is needed any more.

    For a summary `messages` are those to be told shorter, the oldest first, after the summary there is already, and `until` is
    the last of them.
    """

    decision: Literal["run", "done"]
    messages: list[PromptMessage] = Field(default_factory=list[PromptMessage])
    summary: str | None = None
    until: str | None = None
    model: str | None = None
    language: str | None = None


class StoreDigest(Message):
    """A digest is made. Stored if it is still wanted: a title only where nobody gave one meanwhile."""

    user: str
    conversation_id: str
    kind: DigestKind
    text: str
    until: str | None = None
    model: str | None = None


class TidyUp(Message):
    """Put away what is old of this user's conversations: messages that are no longer hot are packed, and a summary is ordered
    of each conversation that has grown long without one. Search finds everything as before."""

    user: str


class Tidied(Message):
    """In how many conversations messages were packed, and how many summaries were ordered."""

    packed: int
    summaries: int


SEARCH = Call("memory", "search", Search, Hits)
PREPARE_DIGEST = Call("memory", "prepare_digest", PrepareDigest, DigestMaterial)
STORE_DIGEST = Call("memory", "store_digest", StoreDigest, Done)
TIDY_UP = Call("memory", "tidy_up", TidyUp, Tidied)
