"""The store on a SQLite file: one thread that writes, a few connections that read."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import Engine, update

from memory.adapters.group_writer import GroupWriter
from memory.adapters.sqlite_errors import translated
from memory.adapters.sqlite_file import DatabaseFile, locked
from memory.adapters.sqlite_pen import BEGIN, SqlitePen, ask_to_settle, engine_of, is_settled
from memory.adapters.sqlite_readers import SqliteReaders, reading
from memory.adapters.sqlite_schema import prepare, refuse_foreign
from memory.clock import Clock
from memory.settings import MemorySettings
from memory.tables import installation
from shared.errors import Busy, Fault

SETTLE_ATTEMPTS, SETTLE_PAUSE_SECONDS = 40, 0.25
"""Readers must have gone for a moment; each is cut off after `read_timeout`."""

_TOUCH = update(installation).values(created_at=installation.c.created_at)


class SqliteStore:
    """See `ports.Store`. Its lock keeps every other process out."""

    alone = True

    def __init__(self, writer: GroupWriter, readers: SqliteReaders, database_id: str) -> None:
        self.database_id: str = database_id
        self._writer = writer
        self.write, self.read = writer.write, readers.read

    @property
    def fault(self) -> Fault | None:
        """Why the last commit failed, or None when it did not."""
        return self._writer.fault

    async def check(self) -> None:
        """See `ports.Store.check`. Writes a page: an empty transaction would not notice that the disk is full."""
        if self.fault is not None:
            await self.write(lambda connection: connection.execute(_TOUCH))

    async def settle(self) -> None:
        """See `ports.Store.settle`. What is deleted is overwritten with zeros (`secure_delete`), but not yet in the log."""
        for _ in range(SETTLE_ATTEMPTS):
            await self.write(ask_to_settle)
            if await self.write(is_settled):
                return
            await asyncio.sleep(SETTLE_PAUSE_SECONDS)
        raise Busy("Somebody has been reading from the database for too long.", retry_after=5.0)

    def clock(self, clock: Clock) -> Clock:
        """The same: nobody else needs it."""
        return clock

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[bool]:
        """It always is."""
        yield True


@asynccontextmanager
async def open_store(settings: MemorySettings, new_stamp: str, now: int) -> AsyncGenerator[SqliteStore]:
    """The database of these settings, its schema up to date. Leaving finishes what waits and closes.

    Raises DatabaseInUse, DatabaseGone, DatabaseForeign, DatabaseNewer, StorageFull, Unavailable.
    """
    with locked(settings.database_url) as file:
        engine = engine_of(file, settings.busy_timeout)
        stamp = await asyncio.to_thread(_prepare, file, engine, new_stamp, now)
        file.keep_stamp(stamp)
        # A file that was just made was opened with leave to make it; from here on it has to be there.
        pen = SqlitePen(file, engine_of(file, settings.busy_timeout))
        writer = GroupWriter(pen, waiting=settings.write_queue, group=settings.write_group)
        try:
            async with reading(file, settings) as readers:
                yield SqliteStore(writer, readers, stamp)
        finally:
            await writer.close()


def _prepare(file: DatabaseFile, engine: Engine, new_stamp: str, now: int) -> str:
    with translated("open"):
        refuse_foreign(file)
    with translated("open"), engine.begin() as connection:
        connection.exec_driver_sql(BEGIN)
        return prepare(connection, new_stamp, now)
