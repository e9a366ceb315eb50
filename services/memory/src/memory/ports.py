"""What memory needs from the world: a database, and a bus that takes what has happened."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from shared.bus import Stored
from shared.contract.base import Message
from shared.contract.subjects import Subject

T = TypeVar("T")


class Store(Protocol):
    """A database. What is done in it is a plain function on a connection; each call of one is a transaction."""

    async def write(self, work: Callable[[Connection], T], then: Callable[[T], None] | None = None) -> T:
        """Runs `work` alone; answers once it is durable. What `work` raises undoes it, and is raised here.

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


class Post(Protocol):
    """The part of the bus that carries what has happened. See `shared.bus.Bus`."""

    def storing(self, subject: Subject, data: bytes, *, type: str, msg_id: str) -> asyncio.Future[Stored]:  # noqa: A002
        """Publishes now, in the order of the calls; the future ends when it is stored, or as a fault."""
        ...

    async def tell(self, subject: Subject, message: Message) -> None:
        """Whoever listens right now hears it."""
        ...


class Anchors(Protocol):
    """Where the ends of the audit's chains are kept outside of the database."""

    def append(self, line_after: Callable[[str], Mapping[str, Any]]) -> None:
        """Appends a line, made with the seal of the one before. Durable when it returns. Raises OSError."""
        ...
