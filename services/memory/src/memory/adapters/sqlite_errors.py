"""What SQLite reports, as the faults that a caller can act on."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from shared.errors import Fault, StorageFull, Unavailable

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_INTERRUPT,
}


def fault_of_sqlite(error: BaseException | None) -> Fault | None:
    """The fault behind an error of SQLAlchemy or sqlite3, or None when it is a bug of ours."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, sqlite3.Error):
        return None
    code: int | None = getattr(cause, "sqlite_errorcode", None)
    if code is None:
        return None
    # The low byte is the error, the others say where it came from: https://sqlite.org/rescode.html
    primary = code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return StorageFull()
    return Unavailable("The database can't be used right now.") if primary in _PASSING else None


@contextmanager
def translated(doing: str) -> Generator[None]:
    """Raises the fault instead of the database's own error; bugs pass as they are."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        fault = fault_of_sqlite(error)
        if fault is None:
            raise
        log.error("database.failed", doing=doing, reason=str(getattr(error, "orig", error)))
        raise fault from error
