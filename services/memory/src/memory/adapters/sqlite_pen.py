"""The one connection that writes to a SQLite file. All of it happens on the writing thread."""

import sqlite3

import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from memory.adapters.sqlite_errors import fault_of_sqlite, translated
from memory.adapters.sqlite_file import DatabaseFile
from memory.adapters.sqlite_schema import journal
from shared.errors import Fault, Unavailable

log: structlog.stdlib.BoundLogger = structlog.get_logger()

BEGIN = "BEGIN IMMEDIATE"
"""As a writer: a transaction that begins as a reader can't wait for the lock (trap 2.3)."""


def engine_of(file: DatabaseFile, busy_timeout: float) -> Engine:
    """An engine for the connections that write."""
    mode = "rw" if file.exists else "rwc"
    url = file.url("sqlite", mode)
    connect_args = {"timeout": busy_timeout, "isolation_level": None, "check_same_thread": False}
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=connect_args)
    event.listen(engine, "connect", _connected)
    return engine


def _connected(raw: sqlite3.Connection, _record: object) -> None:
    journal(raw)


def _driver_of(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection."""
    raw = connection.connection.dbapi_connection
    if not isinstance(raw, sqlite3.Connection):
        raise TypeError(type(raw))
    return raw


_SETTLING = "settling"


def ask_to_settle(connection: Connection) -> None:
    """After the commit of this transaction the log is moved into the database and cut off, if nobody reads just then."""
    connection.info[_SETTLING] = True


def is_settled(connection: Connection) -> bool:
    """Whether that has happened."""
    return not connection.info.get(_SETTLING, False)


class SqlitePen:
    """Opened again after trouble; refuses to write when the file is no longer the one it was opened on (F41).

    Transactions are the driver's; SQLAlchemy sees one that lasts. Its own begin and commit cost 100 µs more.
    """

    def __init__(self, file: DatabaseFile, engine: Engine) -> None:
        self._file, self._engine = file, engine
        self._identity = file.identity()
        self._connection: Connection | None = None
        self._raw: sqlite3.Connection | None = None
        self._marks = 0

    def begin(self) -> Connection:
        """The connection, in a new transaction."""
        if self._file.identity() != self._identity:
            raise Unavailable("The database file was replaced while it was open; restart memory.")
        with translated("begin"):
            connection, raw = self._opened()
            raw.execute(BEGIN)
        self._marks = 0
        return connection

    def _opened(self) -> tuple[Connection, sqlite3.Connection]:
        if self._connection is None or self._raw is None:
            self._connection = self._engine.connect()
            self._connection.begin()
            self._raw = _driver_of(self._connection)
        return self._connection, self._raw

    def mark(self) -> None:
        """The first mark is the beginning: most transactions need no savepoint, and it costs SQLite a journal of its own.

        There is one at a time: every page that is written is noted for each of them (64 made a message a third dearer).
        """
        if self._raw is not None and self._marks:
            if self._marks > 1:
                self._raw.execute("RELEASE one")
            self._raw.execute("SAVEPOINT one")
        self._marks += 1

    def lock(self, user: str) -> None:
        """Nothing: whoever writes has the whole file."""

    def undo(self) -> None:
        """Undoes everything since the last mark."""
        if self._raw is None:
            return
        if self._marks > 1:
            self._raw.execute("ROLLBACK TO one")
        else:
            self._raw.execute("ROLLBACK")
            self._raw.execute(BEGIN)

    def broken(self) -> bool:
        """SQLite ends the transaction itself on some errors: https://sqlite.org/lang_transaction.html"""
        return self._raw is None or not self._raw.in_transaction

    def passed_over(self, error: BaseException) -> bool:
        """Never: there is one that writes."""
        return False

    def commit(self) -> None:
        """Makes it durable."""
        if self._raw is not None:
            with translated("commit"):
                self._raw.execute("COMMIT")
            if self._connection is not None and not is_settled(self._connection):
                self._settle(self._connection, self._raw)

    def _settle(self, connection: Connection, raw: sqlite3.Connection) -> None:
        """Waits for no reader: who writes would wait too. A fault is none of those who have just been committed."""
        patience = raw.execute("PRAGMA busy_timeout").fetchone()[0]
        try:
            raw.execute("PRAGMA busy_timeout = 0")
            busy, _, _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            connection.info[_SETTLING] = bool(busy)
        except sqlite3.Error as error:
            log.warning("database.checkpoint_failed", reason=str(error))
        finally:
            raw.execute(f"PRAGMA busy_timeout = {patience}")

    def rollback(self) -> None:
        """Forgets it, and the connection with it: after trouble a new one is the safest."""
        connection, self._connection, self._raw = self._connection, None, None
        if connection is None:
            return
        try:
            connection.invalidate()
            connection.close()
        except sqlite3.Error as error:
            log.warning("database.close_failed", reason=str(error))

    def fault_of(self, error: BaseException) -> Fault | None:
        """The fault behind an error, or None."""
        return error if isinstance(error, Fault) else fault_of_sqlite(error)

    def close(self) -> None:
        """Moves the log into the database, so that the file alone is whole, and closes."""
        if self._raw is not None and not self._raw.in_transaction:
            try:
                self._raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                log.warning("database.checkpoint_failed", reason=str(error))
        self.rollback()
