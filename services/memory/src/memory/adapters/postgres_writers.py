"""Several tasks that write, each on a connection of its own; what waits at the same time for one of them shares a commit."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from zlib import crc32

from sqlalchemy import Connection

from memory.adapters.postgres_pen import PostgresPen
from memory.adapters.write_group import Write, carry_out, living
from shared.errors import Busy, Fault, Unavailable

T = TypeVar("T")

MOST = 16
"""Writes that share a commit at most: their users stay locked for that long, at every replica."""


class PostgresWriter:
    """One of them."""

    def __init__(self, pen: PostgresPen, group: int) -> None:
        self._pen, self._most = pen, min(group, MOST)
        self._queue: deque[Write] = deque()
        self._something = asyncio.Event()
        self._closed = False
        self.fault: Fault | None = None

    def put(self, write: Write) -> None:
        """It is done when it is its turn."""
        self._queue.append(write)
        self._something.set()

    def end(self) -> None:
        """`run` ends when nothing waits any more."""
        self._closed = True
        self._something.set()

    async def run(self) -> None:
        """Writes until the end."""
        try:
            await self._run()
        finally:
            for write in self._queue:
                write.future.cancel()
            await self._pen.close()

    async def _run(self) -> None:
        while self._queue or not self._closed:
            if not self._queue:
                self._something.clear()
                await self._something.wait()
                continue
            group = [self._queue.popleft() for _ in range(min(len(self._queue), self._most))]
            # Replicas that lock users in one order never wait for each other in a circle.
            if live := sorted(living(group), key=lambda write: write.user):
                self.fault = await self._carry_out(live)
            for write in group:
                write.settle()

    async def _carry_out(self, live: Sequence[Write]) -> Fault | None:
        """Does them; a second time when the connection turned out to be gone before anything was decided."""
        for write in live:
            write.error = None
        fault = await self._try(live)
        return await self._try(live) if isinstance(fault, Unavailable) and not self._pen.decided else fault

    async def _try(self, live: Sequence[Write]) -> Fault | None:
        try:
            connection = await self._pen.open()
            return await connection.run_sync(lambda _: carry_out(self._pen, live))
        except Fault as fault:
            for write in live:
                write.error = fault
            return fault


class PostgresWriters:
    """All of them. What is of one user is done by one, in the order of the calls."""

    def __init__(self, writers: Sequence[PostgresWriter], waiting: int) -> None:
        self._writers, self._limit = writers, waiting
        self._waiting = 0
        self._closed = False

    @property
    def fault(self) -> Fault | None:
        """Why a last commit failed, or None when none did."""
        return next((writer.fault for writer in self._writers if writer.fault is not None), None)

    def recovered(self) -> None:
        """Writing works again."""
        for writer in self._writers:
            writer.fault = None

    async def write(self, work: Callable[[Connection], T], then: Callable[[T], None] | None = None, user: str = "") -> T:
        """See `ports.Store.write`."""
        if self._closed:
            raise Unavailable("Memory is stopping.")
        if self._waiting >= self._limit:
            raise Busy("Too many writes are waiting.", retry_after=1.0)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting += 1
        write = Write(work, then, future, user)
        future.add_done_callback(self._one_less)
        self._writers[crc32(user.encode()) % len(self._writers)].put(write)
        return await future

    def _one_less(self, _: asyncio.Future[Any]) -> None:
        self._waiting -= 1

    def end(self) -> None:
        """Nothing more is taken; what waits is finished."""
        self._closed = True
        for writer in self._writers:
            writer.end()
