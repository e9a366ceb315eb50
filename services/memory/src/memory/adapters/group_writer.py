"""One thread that writes: what waits at the same time shares a commit."""

import asyncio
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from memory.adapters.write_group import Pen, Write, carry_out, living
from shared.errors import Busy, Fault, Unavailable

T = TypeVar("T")


class OwnPen(Pen, Protocol):
    """A pen that the thread closes when it ends."""

    def close(self) -> None:
        """Closes the connection."""
        ...


class GroupWriter:
    """The thread and what waits for it. Made on the event loop that its callers run on."""

    def __init__(self, pen: OwnPen, *, waiting: int, group: int) -> None:
        self._pen, self._limit, self._most = pen, waiting, group
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Write | None] = SimpleQueue()
        self._waiting = 0
        self._closed = False
        self.fault: Fault | None = None
        # A daemon: a process that dies without closing must not hang, and SQLite survives it.
        self._thread = threading.Thread(target=self._run, name="memory-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Connection], T], then: Callable[[T], None] | None = None, user: str = "") -> T:
        """See `ports.Store.write`."""
        if self._closed:
            raise Unavailable("Memory is stopping.")
        if self._waiting >= self._limit:
            raise Busy("Too many writes are waiting.", retry_after=1.0)
        write = Write(work, then, self._loop.create_future(), user)
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
            if live := living(group):
                self.fault = carry_out(self._pen, live)
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

    def _settle(self, group: list[Write]) -> None:
        self._waiting -= len(group)
        for write in group:
            write.settle()
