"""What PostgreSQL reports, as the faults that a caller can act on."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from shared.errors import Fault, StorageFull, Unavailable

log: structlog.stdlib.BoundLogger = structlog.get_logger()

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_DISK_FULL = "53100"
_PASSED_OVER = ("40001", "40P01")  # serialization_failure, deadlock_detected
_PASSING = (
    "08",  # the connection
    "25006",  # a standby, which only reads: another server has taken over, or will
    "25P03",  # idle for too long in a transaction
    "28",  # not let in: whoever runs the server has to act, we try again
    "3D000",  # no such database: the same
    "53",  # out of memory, of connections
    "55",  # somebody has held a lock for too long, or nobody is let in right now
    "57",  # shutting down, starting, too slow
    "58",  # its disk
    "XX",  # its bugs and its broken files
)
_GONE = (OSError, asyncio.TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def _cause_of(error: BaseException | None) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def state_of(error: BaseException | None) -> str:
    """The five letters that PostgreSQL has for it, or nothing."""
    return str(getattr(_cause_of(error), "sqlstate", None) or "")


def passed_over(error: BaseException | None) -> bool:
    """Whether another transaction was chosen over this one, which may be tried again as a whole."""
    return state_of(error) in _PASSED_OVER


def fault_of_postgres(error: BaseException | None) -> Fault | None:
    """The fault behind an error of SQLAlchemy, asyncpg or the network, or None when it is a bug of ours."""
    state = state_of(error)
    if state == _DISK_FULL:
        return StorageFull()
    cause = _cause_of(error)
    gone = isinstance(cause, (*_GONE, asyncpg.InvalidCachedStatementError)) or type(cause).__name__ == "InterfaceError"
    if gone or state.startswith(_PASSING) or state in _PASSED_OVER:
        return Unavailable("The database can't be used right now.")
    return None


@contextmanager
def translated(doing: str) -> Generator[None]:
    """Raises the fault instead of the database's own error; bugs pass as they are."""
    try:
        yield
    except (SQLAlchemyError, asyncpg.PostgresError, *_GONE) as error:
        fault = fault_of_postgres(error)
        if fault is None:
            raise
        report(doing, error)
        raise fault from error


def report(doing: str, error: BaseException) -> None:
    """Logs it without the row that it is about: PostgreSQL tells that apart from the message (S14)."""
    cause = _cause_of(error)
    log.error("database.failed", doing=doing, state=state_of(error), reason=type(cause).__name__)
