"""Follow one conversation or one user from a cursor: what is stored, then what is live, each event once and in order."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from shared.bus import Bus
from shared.contract.subjects import Scope


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a user's feed: the incarnation of its stream (when it was created), and a sequence in it."""

    incarnation: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.incarnation}-{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Reads what a client sends back. Raises BadCursor."""
        raise NotImplementedError


class Stored:
    """One stored event as the feed delivers it. Rendered once, shared by all readers."""

    __slots__ = ("data", "frame", "sequence", "type")

    sequence: int
    type: bytes
    """The event's name, such as b"llm.token"."""
    data: bytes
    """Its JSON, one line."""
    frame: bytes
    """The same as a whole SSE frame with `id:`, `event:` and `data:`."""


class Reader(Protocol):
    """Somebody who follows. Called from the connection's read loop: must be quick, must not raise."""

    def deliver(self, event: Stored) -> None:
        """The next event."""
        ...

    def reset(self, reason: str) -> None:
        """This reader's cursor can't be continued; nothing more is delivered."""
        ...


class Attachment(Protocol):
    """A reader at its place in the feed."""

    def detach(self) -> None:
        """Deliver nothing more. Idempotent; not a coroutine."""
        ...


class Feed:
    """All that this process follows: one subscription for each scope that is open, shared by its readers."""

    def __init__(self, bus: Bus) -> None:
        raise NotImplementedError

    async def head(self, scope: Scope) -> Cursor:
        """The cursor of now: what is stored later comes after it."""
        raise NotImplementedError

    async def before(self, scope: Scope, log: str) -> Cursor | None:
        """The cursor just before the first stored message of subject `log` (a running answer's token log), or None."""
        raise NotImplementedError

    async def attach(self, scope: Scope, after: Cursor | None, reader: Reader) -> Attachment:
        """Delivers to `reader` every event of `scope` after the cursor (None: from now), then what comes.

        Returns as soon as the replay is under way. Raises Unavailable when NATS does not answer.
        """
        raise NotImplementedError

    def follow(self, scope: Scope, after: Cursor | None, *, limit: int = 1024) -> AsyncIterator[Stored]:
        """The same as an async iterator, for tests and terminals. Raises Reset when the cursor can't be continued."""
        raise NotImplementedError
