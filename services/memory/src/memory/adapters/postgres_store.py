"""The store on PostgreSQL: several replicas of memory may have it open."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import asyncpg
from sqlalchemy import Connection, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.util import await_

from memory.adapters.postgres_address import Address, advice, check
from memory.adapters.postgres_clock import ServerClock
from memory.adapters.postgres_errors import translated
from memory.adapters.postgres_pen import PostgresPen
from memory.adapters.postgres_schema import RUNNING, SWEEPING, prepare
from memory.adapters.postgres_writers import PostgresWriter, PostgresWriters
from memory.clock import Clock
from memory.records.prepared import driver
from memory.settings import MemorySettings
from memory.tables import installation
from shared.errors import Fault, Unavailable
from shared.ids import new_id
from shared.tasks import owned

T = TypeVar("T")

_TOUCH = update(installation).values(created_at=installation.c.created_at)
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
MIGRATION_SECONDS = 3600.0


class PostgresStore:
    """See `ports.Store`. `alone`: no other memory had the database open when this one started."""

    def __init__(self, writers: PostgresWriters, readers: AsyncEngine, settings: MemorySettings) -> None:
        self.database_id = ""
        self.alone = False
        self._writers, self._readers = writers, readers
        self._read_timeout = settings.read_timeout
        self._clock = ServerClock()
        self.write = writers.write

    @property
    def fault(self) -> Fault | None:
        """Why the last commit failed, or None when it did not."""
        return self._writers.fault

    async def read(self, work: Callable[[Connection], T]) -> T:
        """See `ports.Store.read`. Reading twice does no harm: connections that have died meanwhile are replaced."""
        try:
            async with asyncio.timeout(self._read_timeout):
                try:
                    return await self._read(work)
                except Unavailable:
                    await self._readers.dispose()
                    return await self._read(work)
        except TimeoutError as error:
            raise Unavailable("The database is too slow right now.") from error

    async def _read(self, work: Callable[[Connection], T]) -> T:
        with translated("read"):
            async with self._readers.connect() as connection:
                return await _whole(connection, work)

    async def check(self) -> None:
        """See `ports.Store.check`. Looks at the clock too, and renews the lock of those who run if it was lost."""
        await self.write(self._look_after)
        self._writers.recovered()

    def _look_after(self, connection: Connection) -> None:
        self._clock.measure(connection)
        if self.fault is not None:
            connection.execute(_TOUCH)

    async def settle(self) -> None:
        """Nothing: the server overwrites what was deleted when it needs the room, its log and backups are its operator's."""

    def clock(self, clock: Clock) -> Clock:
        """The same moments, with the ticks that all replicas share."""
        return Clock(clock.now, self._clock.ticks)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[bool]:
        """See `ports.Store.turn`."""
        with translated("turn"):
            async with self._readers.connect() as connection:
                raw = await connection.run_sync(driver)
                mine = bool(await raw.fetchval("SELECT pg_try_advisory_lock($1)", SWEEPING))
                try:
                    yield mine
                finally:
                    # Not given back to the others: the lock would go on with it.
                    await (connection.invalidate() if mine else connection.close())


async def _whole(connection: AsyncConnection, work: Callable[[Connection], T]) -> T:
    """Runs `work` on one snapshot. A connection that was interrupted is not used again."""
    try:
        return await connection.run_sync(_snapshot, work)
    except Fault:
        raise
    except BaseException:
        await connection.invalidate()
        raise


def _snapshot(connection: Connection, work: Callable[[Connection], T]) -> T:
    raw = driver(connection)
    await_(raw.execute(_SNAPSHOT))
    try:
        answer = work(connection)
    except Fault:
        await_(raw.execute("ROLLBACK"))
        raise
    await_(raw.execute("COMMIT"))
    return answer


@asynccontextmanager
async def open_postgres(settings: MemorySettings, new_stamp: str, now: int) -> AsyncGenerator[PostgresStore]:
    """The database of these settings, its schema up to date. Leaving finishes what waits and closes.

    Raises DatabaseForeign, DatabaseNewer, DatabaseRefused, DatabaseUnfit, StorageFull, Unavailable.
    """
    check(settings.database_url)
    stamp, alone = await _prepare(settings, new_stamp, now)
    async with AsyncExitStack() as house:
        readers = _address(settings, settings.read_timeout, default_transaction_read_only="on").engine(settings.readers)
        house.push_async_callback(readers.dispose)
        pens = _address(settings, 2 * settings.busy_timeout + 5).engine(settings.writers)
        house.push_async_callback(pens.dispose)
        tasks = await house.enter_async_context(owned())
        several = [PostgresWriter(PostgresPen(pens, _new_writer), settings.write_group) for _ in range(settings.writers)]
        for writer in several:
            tasks.create_task(writer.run())
        writers = PostgresWriters(several, settings.write_queue)
        house.callback(writers.end)
        store = PostgresStore(writers, readers, settings)
        store.database_id, store.alone = stamp, alone
        await store.check()
        yield store


def _new_writer() -> str:
    return new_id("s")


def _address(settings: MemorySettings, seconds: float, **parameters: str) -> Address:
    patience = str(int(settings.busy_timeout * 1000))
    always = {
        "application_name": "colloquy-memory",
        # What a frozen replica holds locked is free again after this; it starts anew when it wakes.
        "idle_in_transaction_session_timeout": str(int(4 * settings.busy_timeout * 1000)),
        "lock_timeout": patience,
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
        "jit": "off",
    }
    return Address(settings.database_url, seconds, always | parameters)


async def _prepare(settings: MemorySettings, new_stamp: str, now: int) -> tuple[str, bool]:
    """Which database it is, and whether nobody else has it open."""
    address = Address(settings.database_url, MIGRATION_SECONDS, {"application_name": "colloquy-memory"})
    engine = address.engine(1)
    try:
        with translated("open"):
            async with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
                stamp = await connection.run_sync(prepare, new_stamp, now)
                query = text("SELECT pg_try_advisory_xact_lock(:key)")
                return stamp, bool((await connection.execute(query, {"key": RUNNING})).scalar())
    except (Fault, SQLAlchemyError, asyncpg.PostgresError) as error:
        refused = advice(error.__cause__ if isinstance(error, Fault) and error.__cause__ is not None else error)
        if refused is not None:
            raise refused from None
        raise
    finally:
        await engine.dispose()
