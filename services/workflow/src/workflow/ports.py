"""What the engine needs from the world: journals, and a bus that carries orders, timers and events."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Protocol

from shared.contract.journal import JournalPage
from shared.contract.workflow import Ring, Schedule, Wake


class Overtaken(Exception):
    """Somebody else has written there meanwhile."""


class FromTheFuture(Exception):
    """A newer version has written lines that this one can't read."""


class Journals(Protocol):
    """Every journal: one fenced log for each workflow."""

    async def read(self, user: str, workflow_id: str, after: int) -> list[tuple[int, JournalPage, int]]:
        """The pages after a sequence, with their sequences and sizes. Raises FromTheFuture, Unavailable."""
        ...

    async def append(self, page: JournalPage, expect: int) -> tuple[int, int]:
        """Sequence and size, once it is stored. `expect` is the sequence of the page before, 0 for the first.

        Raises Overtaken, StorageFull, Unavailable; the last one means that nobody knows.
        """
        ...

    async def newest(self, user: str) -> list[JournalPage]:
        """The newest page of each workflow of this user. Raises Unavailable."""
        ...

    async def stow(self, user: str, workflow_id: str, data: bytes) -> str:
        """Keeps what is too long for a page; answers with its name. Raises StorageFull, Unavailable."""
        ...

    async def fetch(self, user: str, workflow_id: str, name: str) -> bytes:
        """What was stowed under this name. Raises Unavailable when it is not there, or not whole."""
        ...

    async def forget(self, user: str, workflow_id: str) -> None:
        """Erases a journal, and all that was stowed for it. Raises Unavailable."""
        ...


class Post(Protocol):
    """What is sent. Each call sends at once; awaiting what it returns makes sure that it is stored (Unavailable)."""

    def wake(self, order: Wake) -> Awaitable[object]:
        """Has a worker look at this workflow."""
        ...

    def wake_at(self, order: Wake, at: datetime) -> Awaitable[object]:
        """The same at a time. There is one such moment for each workflow: the last one counts."""
        ...

    def ring_at(self, order: Ring, at: datetime) -> Awaitable[object]:
        """The same for a schedule."""
        ...

    def tell(self, page: JournalPage, sequence: int) -> Awaitable[object]:
        """Tells the user's feed what a page says. Twice is as good as once."""
        ...

    async def grew(self, user: str, workflow_id: str) -> None:
        """Has whoever runs this workflow look at its journal; nobody may hear it."""
        ...

    async def is_pending(self, user: str, workflow_id: str, order: int) -> bool:
        """Whether an order is still to be done, or being done."""
        ...


class ScheduleBook(Protocol):
    """Every schedule."""

    async def find(self, user: str, schedule_id: str) -> tuple[int, Schedule] | None:
        """A schedule with its sequence. Raises Unavailable."""
        ...

    async def of(self, user: str) -> list[Schedule]:
        """All of this user. Raises Unavailable."""
        ...

    async def keep(self, schedule: Schedule, expect: int) -> None:
        """Keeps it instead of the one of this sequence (0: there is none). Raises Overtaken, Unavailable."""
        ...

    async def drop(self, user: str, schedule_id: str) -> None:
        """Erases it, with its next moment."""
        ...
