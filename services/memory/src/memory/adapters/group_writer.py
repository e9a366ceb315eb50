"""One thread that writes: what waits at the same time shares a commit, with a savepoint each (group commit)."""

import asyncio
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Protocol, TypeVar

from prometheus_client import Histogram
from sqlalchemy import Connection

from shared.errors import Busy, Fault, Unavailable

T = TypeVar("T")

GROUP = Histogram("colloquy_memory_writes_per_commit", "How many writes shared a commit.", buckets=(1, 2, 4, 8, 16, 32, 64))


class Pen(Protocol):
    """The connection that writes. Everything here is called on the writing thread."""

    def begin(self) -> Connection:
        """The connection, in a new transaction. Raises a fault."""
        ...

    def mark(self) -> None:
        """The place that `undo` goes back to. Raises the database's own errors."""
        ...

    def undo(self) -> None:
        """Undoes everything since the last mark."""
        ...

    def broken(self) -> bool:
        """Whether the database has given up the transaction by itself."""
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

    def close(self) -> None:
        """Closes the connection."""
        ...


class Write:
    """A write that waits. As a context it keeps what its work raises, for its caller."""

    __slots__ = ("answer", "error", "future", "left_out", "then", "work")

    def __init__(
        self, work: Callable[[Connection], Any], then: Callable[[Any], None] | None, future: asyncio.Future[Any]
    ) -> None:
        self.work, self.then, self.future = work, then, future
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


class GroupWriter:
    """The thread and what waits for it. Made on the event loop that its callers run on."""

    def __init__(self, pen: Pen, *, waiting: int, group: int) -> None:
        self._pen, self._limit, self._most = pen, waiting, group
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Write | None] = SimpleQueue()
        self._waiting = 0
        self._closed = False
        self.fault: Fault | None = None
        # A daemon: a process that dies without closing must not hang, and SQLite survives it.
        self._thread = threading.Thread(target=self._run, name="memory-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Connection], T], then: Callable[[T], None] | None = None) -> T:
        """See `ports.Store.write`."""
        if self._closed:
            raise Unavailable("Memory is stopping.")
        if self._waiting >= self._limit:
            raise Busy("Too many writes are waiting.", retry_after=1.0)
        write = Write(work, then, self._loop.create_future())
        self._waiting += 1
        self._queue.put(write)
        return await write.future

    async def close(self) -> None:
        """Finishes what waits, then closes the connection."""
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group, last = self._gather(first)
            self._carry_out(group)
            self._loop.call_soon_threadsafe(self._settle, group)
            if last:
                break
        self._pen.close()

    def _gather(self, first: Write) -> tuple[list[Write], bool]:
        group = [first]
        while len(group) < self._most:
            try:
                write = self._queue.get_nowait()
            except Empty:
                break
            if write is None:
                return group, True
            group.append(write)
        return group, False

    def _carry_out(self, group: list[Write]) -> None:
        """Whatever keeps the group from being committed is what every member of it gets."""
        whole = Write(lambda _: None, None, group[0].future)
        with whole:
            self._commit(group)
        if whole.error is not None:
            self._pen.rollback()
            self.fault = self._pen.fault_of(whole.error)
            for write in group:
                write.error = self.fault or whole.error

    def _commit(self, group: list[Write]) -> None:
        # Whoever has gone already is not worth the room; it is as if he had never come.
        for write in group:
            write.left_out = write.future.cancelled()
        live = [write for write in group if not write.left_out]
        if not live:
            return
        connection = self._pen.begin()
        faults = [self._attempt(write, connection) for write in live]
        self._pen.commit()
        self.fault = next((fault for fault in faults if fault is not None), None)
        GROUP.observe(len(live))

    def _attempt(self, write: Write, connection: Connection) -> Fault | None:
        """Does one write; answers with the fault of the database that it met, if any."""
        self._pen.mark()
        with write:
            write.answer = write.work(connection)
        if write.error is None:
            return None
        raised, fault = write.error, self._pen.fault_of(write.error)
        if self._pen.broken():
            raise fault or raised
        write.error = fault or raised
        self._pen.undo()
        return fault if fault is not raised else None

    def _settle(self, group: list[Write]) -> None:
        self._waiting -= len(group)
        for write in group:
            write.settle()
