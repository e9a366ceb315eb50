"""Writes that share a commit, with a savepoint each: what a group does to a database, whoever calls it (group commit)."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol

from prometheus_client import Histogram
from sqlalchemy import Connection

from shared.errors import Fault

GROUP = Histogram("colloquy_memory_writes_per_commit", "How many writes shared a commit.", buckets=(1, 2, 4, 8, 16, 32, 64))

ATTEMPTS = 5
"""How often a group is tried that the database gave up in favour of another: each time at least one of the two gets through."""


class Pen(Protocol):
    """The connection that writes. Everything here is called where it may wait for the database."""

    def begin(self) -> Connection:
        """The connection, in a new transaction. Raises a fault."""
        ...

    def mark(self) -> None:
        """The place that `undo` goes back to. Raises the database's own errors."""
        ...

    def lock(self, user: str) -> None:
        """Nobody else changes what is this user's until the end. Raises the database's own errors."""
        ...

    def undo(self) -> None:
        """Undoes everything since the last mark."""
        ...

    def broken(self) -> bool:
        """Whether the database has given up the transaction by itself."""
        ...

    def passed_over(self, error: BaseException) -> bool:
        """Whether the database has chosen another transaction over this one, which may be tried again as a whole."""
        ...

    def commit(self) -> None:
        """Makes it durable. Raises a fault."""
        ...

    def rollback(self) -> None:
        """Forgets it. Does not raise."""
        ...

    def fault_of(self, error: BaseException) -> Fault | None:
        """What a caller should see instead of the database's own error, or None when it is no fault of the database."""
        ...


class Write:
    """A write that waits. As a context it keeps what its work raises, for its caller."""

    __slots__ = ("answer", "error", "future", "left_out", "then", "user", "work")

    def __init__(
        self, work: Callable[[Connection], Any], then: Callable[[Any], None] | None, future: asyncio.Future[Any], user: str = ""
    ) -> None:
        self.work, self.then, self.future, self.user = work, then, future, user
        self.answer: Any = None
        self.error: BaseException | None = None
        self.left_out = False

    def __enter__(self) -> None:
        self.error = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        self.error = error
        return isinstance(error, Exception)

    def settle(self) -> None:
        """Tells the outbox and the caller, who may have gone."""
        # The caller runs in the loop's next turn: his reply leaves in one write with what the outbox sends now.
        if not self.future.done():
            self._answer()
        if self.error is None and self.then is not None and not self.left_out:
            self.then(self.answer)

    def _answer(self) -> None:
        if self.error is None:
            self.future.set_result(self.answer)
        else:
            self.future.set_exception(self.error)


def living(group: Sequence[Write]) -> list[Write]:
    """Those whose callers still wait. Whoever has gone is not worth the room; it is as if he had never come."""
    for write in group:
        write.left_out = write.future.cancelled()
    return [write for write in group if not write.left_out]


def carry_out(pen: Pen, group: Sequence[Write]) -> Fault | None:
    """Does all of them, of which there is one at least; answers with the fault of the database that was met, if any.

    Whatever keeps the group from being committed is what every member of it gets.
    """
    whole = Write(lambda _: None, None, group[0].future)
    for _ in range(ATTEMPTS):
        with whole:
            return _commit(pen, group)
        pen.rollback()
        if whole.error is None or not pen.passed_over(whole.error):
            break
    fault = pen.fault_of(whole.error) if whole.error is not None else None
    for write in group:
        write.error = fault or whole.error
    return fault


def _commit(pen: Pen, live: Sequence[Write]) -> Fault | None:
    connection = pen.begin()
    faults = [_attempt(pen, write, connection) for write in live]
    pen.commit()
    GROUP.observe(len(live))
    return next((fault for fault in faults if fault is not None), None)


def _attempt(pen: Pen, write: Write, connection: Connection) -> Fault | None:
    """Does one write; answers with the fault of the database that it met, if any."""
    pen.mark()
    with write:
        if write.user:
            pen.lock(write.user)
        write.answer = write.work(connection)
    if write.error is None:
        return None
    raised, fault = write.error, pen.fault_of(write.error)
    if pen.passed_over(raised):
        raise raised
    if pen.broken():
        raise fault or raised
    write.error = fault or raised
    pen.undo()
    return fault if fault is not raised else None
