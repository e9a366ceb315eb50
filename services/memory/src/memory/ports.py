"""What memory needs from the world: a database, and a bus that takes what has happened."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from memory.clock import Clock
from memory.query import Query
from shared.bus import Stored
from shared.contract.base import Message
from shared.contract.subjects import Subject
from shared.errors import Fault

T = TypeVar("T")


class Store(Protocol):
    """A database. What is done in it is a plain function on a connection; each call of one is a transaction.

    `database_id` stays the same for its life. `alone`: nobody else had it open when it was opened.
    """

    database_id: str
    alone: bool

    async def write(self, work: Callable[[Connection], T], then: Callable[[T], None] | None = None, user: str = "") -> T:
        """Runs `work`; answers once it is durable. What `work` raises undoes it, and is raised here.

        Nobody else changes what is of `user` meanwhile: writes of a user are one after the other, at every replica.

        `then` is called on the event loop after the commit, in the order of commits, even when the caller has gone.
        Raises Busy when too many wait, StorageFull, Unavailable.
        """
        ...

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` on a snapshot. Raises Unavailable."""
        ...

    async def check(self) -> None:
        """Raises the fault that writing meets, if the last commit met one and another still does."""
        ...

    async def settle(self) -> None:
        """What was deleted is in no file of this database any more, as far as that is up to us. Raises Busy, Unavailable."""
        ...

    @property
    def fault(self) -> Fault | None:
        """Why the last commit failed, or None when it did not."""
        ...

    def clock(self, clock: Clock) -> Clock:
        """The clock of this process with ticks that everybody shares who has the database open."""
        ...

    def turn(self) -> AbstractAsyncContextManager[bool]:
        """Whether this replica is the one that looks after what is everybody's, until the context is left."""
        ...


class Post(Protocol):
    """The part of the bus that carries what has happened. See `shared.bus.Bus`."""

    def storing(self, subject: Subject, data: bytes, *, type: str, msg_id: str) -> asyncio.Future[Stored]:  # noqa: A002
        """Publishes now, in the order of the calls; the future ends when it is stored, or as a fault."""
        ...

    async def tell(self, subject: Subject, message: Message) -> None:
        """Whoever listens right now hears it."""
        ...

    async def read(self, subject: Subject) -> Sequence[tuple[int, bytes, bytes]]:
        """All stored messages of this filter as (sequence, event name, data). Raises Unavailable."""
        ...

    async def erase(self, trace: Subject) -> int:
        """Erases every stored message of this filter, its bytes too; answers how many. Raises Unavailable."""
        ...


class Anchors(Protocol):
    """Where the ends of the audit's chains are kept outside of the database."""

    def append(self, line_after: Callable[[str], Mapping[str, Any]]) -> None:
        """Appends a line, made with the seal of the one before. Durable when it returns. Raises OSError."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Entered:
    """A text as it is in the search index, or shall be: of a message or a note (see `derived`), by its row's number."""

    kind: int
    seq: int
    user: str
    conversation_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Find:
    """Where to look: at what kind of things of this user, at most so many; in a conversation, which lies in a span of rows."""

    user: str
    kind: int
    limit: int
    conversation_id: str | None = None
    span: tuple[int, int] | None = None


class Finder(Protocol):
    """An index of what users have said and noted. Everything is plain functions on a connection, within its transaction."""

    def index(self, connection: Connection, taken: Sequence[Entered], put: Sequence[Entered]) -> None:
        """Takes out what was entered with these texts (empty: nothing is known to have been), and enters others.

        What is entered is among what is taken.
        """
        ...

    def find(self, connection: Connection, find: Find, query: Query) -> list[int]:
        """Numbers of the newest rows that have all terms of a query as words."""
        ...

    def find_parts(self, connection: Connection, find: Find, query: Query) -> list[int]:
        """The same for terms that may be inside of words, or their beginnings; some that have them not may be among them."""
        ...

    def find_word(self, connection: Connection, find: Find, word: str) -> list[int]:
        """The same for one word."""
        ...

    def forgotten(self, connection: Connection, user: str) -> bool:
        """Whether nothing of this user is in it any more; then not even the user's id."""
        ...

    def prepare(self, connection: Connection) -> None:
        """Makes what is missing of it, at the start."""
        ...

    def begin_anew(self, connection: Connection) -> None:
        """Empties it."""
        ...

    def scrub(self, connection: Connection, *, first: bool) -> bool:
        """One step of writing the index anew, so that no byte is left of what was taken out. False when it is done."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors of which those are near each other that mean the same."""

    model: str

    async def embed(self, texts: Sequence[str]) -> list[bytes]:
        """A vector of length one for each text, as float32, little-endian. Raises Busy now and then, Refused for good."""
        ...


@dataclass(frozen=True, slots=True)
class Vector:
    """The vector of a message or a note (see `Entered`)."""

    user: str
    kind: int
    seq: int
    vector: bytes


class Vectors(Protocol):
    """An index of vectors, beside the table that they are in."""

    def put(self, connection: Connection, vectors: Sequence[Vector]) -> None:
        """Enters these, if it can."""
        ...

    def nearest(self, connection: Connection, user: str, vector: bytes, limit: int) -> list[tuple[int, int, float]] | None:
        """Kind, row and likeness of this user's nearest, the nearest first. None: it can't know, look at all of them."""
        ...
