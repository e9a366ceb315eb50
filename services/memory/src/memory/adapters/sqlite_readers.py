"""The connections that read from a SQLite file: aiosqlite's, each with its thread, which runs a whole question."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TypeVar, cast

import aiosqlite
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import SingletonThreadPool

from memory.adapters.sqlite_errors import translated
from memory.adapters.sqlite_file import DatabaseFile
from memory.settings import MemorySettings
from shared.errors import Unavailable

T = TypeVar("T")

STEPS = 50_000
"""Of SQLite's machine, between two looks at the clock: half a millisecond."""
CHUNK = 64
"""Rows at once, where aiosqlite's own cursors are asked for some."""


class SqliteReaders:
    """They can't write. They never checkpoint either: two that do can meet SQLite's WAL-reset bug (trap 2.3)."""

    def __init__(self, engine: Engine, idle: asyncio.Queue[aiosqlite.Connection], patience: float) -> None:
        self._engine, self._idle, self._patience = engine, idle, patience

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` on a snapshot. Raises Unavailable."""
        try:
            async with asyncio.timeout(self._patience):
                reader = await self._idle.get()
                try:
                    # One hop for the whole question: with a hop for each statement it costs four times as much (decision 0004).
                    return cast("T", await reader._execute(self._run, work))  # noqa: SLF001 # pyright: ignore[reportPrivateUsage, reportUnknownMemberType]
                finally:
                    self._idle.put_nowait(reader)
        except TimeoutError as error:
            raise Unavailable("The database is too slow right now.") from error

    def _run(self, work: Callable[[Connection], T]) -> T:
        """On the thread of a reader, whose connection is the one that the engine has for this thread."""
        with translated("read"), self._engine.begin() as connection:
            self._limit(cast("sqlite3.Connection", connection.connection.driver_connection))
            return work(connection)

    def _limit(self, raw: sqlite3.Connection) -> None:
        """Who asked has gone by then, and a snapshot that stays keeps the log from being moved into the database."""
        until = time.monotonic() + self._patience
        raw.set_progress_handler(lambda: time.monotonic() > until, STEPS)


@asynccontextmanager
async def reading(file: DatabaseFile, settings: MemorySettings) -> AsyncGenerator[SqliteReaders]:
    """Opens them. Leaving waits for those that read, and closes."""
    engine = create_engine(
        file.url("sqlite", "ro"),
        poolclass=SingletonThreadPool,
        pool_size=settings.readers,
        hide_parameters=True,  # S14: errors quote them
        connect_args={"timeout": settings.busy_timeout, "isolation_level": None, "check_same_thread": False},
    )
    event.listen(engine, "begin", _begun)
    idle = asyncio.Queue[aiosqlite.Connection](settings.readers)
    async with AsyncExitStack() as stack:
        stack.callback(engine.dispose)
        for _ in range(settings.readers):
            idle.put_nowait(await stack.enter_async_context(aiosqlite.Connection(partial(_connected, engine), CHUNK)))
        yield SqliteReaders(engine, idle, settings.read_timeout)


def _connected(engine: Engine) -> sqlite3.Connection:
    with translated("open"):
        return cast("sqlite3.Connection", engine.raw_connection().driver_connection)


def _begun(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
