"""A connection that writes to PostgreSQL, with the users it works for locked until the end of each transaction."""

from collections.abc import Callable
from typing import Any

import asyncpg
from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.util import await_

from memory.adapters.postgres_errors import fault_of_postgres, passed_over, report, translated
from memory.adapters.postgres_schema import RUNNING
from memory.records.prepared import driver, run
from memory.records.upserts import insert
from memory.tables import installation, users
from shared.errors import Fault, Unavailable

_FLOOR = select(func.max(installation.c.version_floor)).scalar_subquery()
_NEW_USER = insert(users).values(id=bindparam("user"), version=_FLOOR, forgotten=_FLOOR)
_LOCK = _NEW_USER.on_conflict_do_update(
    # A row that is not changed is locked all the same: https://www.postgresql.org/docs/current/sql-insert.html
    index_elements=[users.c.id],
    set_={"version": users.c.version},
    where=users.c.id != users.c.id,
)


class PostgresPen:
    """Opened again after trouble. Each connection is a writer of its own: what it left in the outbox when a commit failed with
    nobody knowing whether it did, is somebody else's letter afterwards, and so it is sent.
    """

    def __init__(self, engine: AsyncEngine, new_writer: Callable[[], str]) -> None:
        self._engine, self._new_writer = engine, new_writer
        self._opened: AsyncConnection | None = None
        self._raw: Any = None
        self._marks = 0
        self._good = False
        self.decided = False
        """Whether a commit was begun: what came of it can't be known when it fails."""

    async def open(self) -> AsyncConnection:
        """The connection, a new one if need be. Raises a fault."""
        if not self._good or self._raw is None or self._raw.is_closed():
            await self.close()
            try:
                with translated("connect"):
                    self._opened = await self._engine.connect()
                    await self._opened.run_sync(self._greet)
            except (SQLAlchemyError, asyncpg.PostgresError) as error:
                # Nothing of ours was asked yet: whatever it is, it is the server's.
                report("connect", error)
                raise Unavailable("The database can't be used right now.") from error
        if self._opened is None:
            raise Unavailable
        return self._opened

    def _greet(self, connection: Connection) -> None:
        self._raw = driver(connection)
        if not await_(self._raw.fetchval("SELECT pg_try_advisory_lock_shared($1)", RUNNING)):
            raise Unavailable("The database is being moved right now.")
        connection.info["writer"] = self._new_writer()
        self._good = True

    def begin(self) -> Connection:
        """The connection, in a new transaction."""
        if self._opened is None or self._opened.sync_connection is None:
            raise Unavailable
        self.decided = False
        with translated("begin"):
            await_(self._raw.execute("BEGIN"))
        self._marks = 0
        return self._opened.sync_connection

    def mark(self) -> None:
        """The first mark is the beginning; of savepoints with one name the newest counts."""
        if self._marks:
            await_(self._raw.execute("SAVEPOINT one"))
        self._marks += 1

    def lock(self, user: str) -> None:
        """Everybody else who writes for this user waits, at every replica: versions have no gap, and commits their order."""
        if self._opened is not None and self._opened.sync_connection is not None:
            run(self._opened.sync_connection, _LOCK, {"user": user})

    def undo(self) -> None:
        """Undoes everything since the last mark."""
        await_(self._raw.execute("ROLLBACK TO one" if self._marks > 1 else "ROLLBACK; BEGIN"))

    def broken(self) -> bool:
        """Whether the connection is gone, or was cut off in the middle of something."""
        return self._raw.is_closed() or not self._raw.is_in_transaction()

    def passed_over(self, error: BaseException) -> bool:
        """Whether it was this one that had to give way in a deadlock."""
        return passed_over(error)

    def commit(self) -> None:
        """Makes it durable."""
        self.decided = True
        with translated("commit"):
            await_(self._raw.execute("COMMIT"))

    def rollback(self) -> None:
        """Forgets it. A connection that does not even do that is not used again."""
        try:
            self._good = self._good and not self._raw.is_closed() and not self.decided
            if self._good:
                await_(self._raw.execute("ROLLBACK"))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            self._good = False
            report("rollback", error)

    def fault_of(self, error: BaseException) -> Fault | None:
        """The fault behind an error, or None."""
        return error if isinstance(error, Fault) else fault_of_postgres(error)

    async def close(self) -> None:
        """Gives the connection up."""
        opened, self._opened, self._raw, self._good = self._opened, None, None, False
        if opened is not None:
            with translated("close"):
                await opened.invalidate()
                await opened.close()
