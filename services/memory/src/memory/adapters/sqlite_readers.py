"""The connections that read from a SQLite file: a thread for each, which runs a whole question."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import QueuePool

from memory.adapters.sqlite_errors import translated
from memory.adapters.sqlite_file import DatabaseFile
from memory.settings import MemorySettings
from shared.errors import Unavailable

T = TypeVar("T")

STEPS = 50_000
"""Of SQLite's machine, between two looks at the clock: half a millisecond."""


class SqliteReaders:
    """They can't write. They never checkpoint either: two that do can meet SQLite's WAL-reset bug (trap 2.3)."""

    def __init__(self, file: DatabaseFile, settings: MemorySettings) -> None:
        self._patience = settings.read_timeout
        self._threads = ThreadPoolExecutor(settings.readers, thread_name_prefix="memory-reader")
        self._engine = create_engine(
            file.url("sqlite", "ro"),
            poolclass=QueuePool,
            pool_size=settings.readers,
            max_overflow=0,
            hide_parameters=True,  # S14: errors quote them
            connect_args={"timeout": settings.busy_timeout, "isolation_level": None, "check_same_thread": False},
        )
        event.listen(self._engine, "begin", _begun)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` on a snapshot. Raises Unavailable."""
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work)
        except TimeoutError as error:
            raise Unavailable("The database is too slow right now.") from error

    async def close(self) -> None:
        """Waits for those that read, and closes."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        self._engine.dispose()

    def _run(self, work: Callable[[Connection], T]) -> T:
        with translated("read"), self._engine.begin() as connection:
            raw = connection.connection.driver_connection
            if isinstance(raw, sqlite3.Connection):
                self._limit(raw)
            return work(connection)

    def _limit(self, raw: sqlite3.Connection) -> None:
        """Who asked has gone by then, and a snapshot that stays keeps the log from being moved into the database."""
        until = time.monotonic() + self._patience
        raw.set_progress_handler(lambda: time.monotonic() > until, STEPS)


def _begun(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
