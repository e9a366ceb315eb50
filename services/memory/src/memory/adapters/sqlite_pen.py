"""The one connection that writes to a SQLite file. All of it happens on the writing thread."""

import sqlite3

import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from memory.adapters.schema import journal
from memory.adapters.sqlite_errors import fault_of_sqlite, translated
from memory.adapters.sqlite_file import DatabaseFile
from shared.errors import Fault, Unavailable

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def engine_of(file: DatabaseFile, busy_timeout: float) -> Engine:
    """An engine whose transactions begin as writers: one that begins as a reader can't wait for the lock (trap 2.3)."""
    mode = "rw" if file.exists else "rwc"
    url = file.url("sqlite", mode)
    connect_args = {"timeout": busy_timeout, "isolation_level": None, "check_same_thread": False}
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=connect_args)
    event.listen(engine, "connect", _connected)
    event.listen(engine, "begin", _begun)
    return engine


def _connected(raw: sqlite3.Connection, _record: object) -> None:
    journal(raw)


def _begun(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


class SqlitePen:
    """Opened again after trouble; refuses to write when the file is no longer the one it was opened on (F41)."""

    def __init__(self, file: DatabaseFile, engine: Engine) -> None:
        self._file, self._engine = file, engine
        self._identity = file.identity()
        self._connection: Connection | None = None

    def begin(self) -> Connection:
        """The connection, in a new transaction."""
        if self._file.identity() != self._identity:
            raise Unavailable("The database file was replaced while it was open; restart memory.")
        with translated("begin"):
            if self._connection is None:
                self._connection = self._engine.connect()
            self._connection.begin()
        return self._connection

    def mark(self) -> None:
        """Of savepoints with one name the newest counts; the commit releases them all."""
        if self._connection is not None:
            self._raw(self._connection).execute("SAVEPOINT one")

    def undo(self) -> None:
        """Undoes everything since the last mark."""
        if self._connection is not None:
            self._raw(self._connection).execute("ROLLBACK TO one")

    def broken(self) -> bool:
        """SQLite ends the transaction itself on some errors: https://sqlite.org/lang_transaction.html"""
        return self._connection is None or not self._raw(self._connection).in_transaction

    def commit(self) -> None:
        """Makes it durable."""
        if self._connection is not None:
            with translated("commit"):
                self._connection.commit()

    def rollback(self) -> None:
        """Forgets it, and the connection with it: after trouble a new one is the safest."""
        connection, self._connection = self._connection, None
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
        if self._connection is not None and not self._connection.in_transaction():
            try:
                self._raw(self._connection).execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                log.warning("database.checkpoint_failed", reason=str(error))
        self.rollback()

    @staticmethod
    def _raw(connection: Connection) -> sqlite3.Connection:
        raw = connection.connection.dbapi_connection
        if not isinstance(raw, sqlite3.Connection):
            raise TypeError(type(raw))
        return raw
