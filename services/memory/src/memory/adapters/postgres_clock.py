"""Ticks that all replicas share: those of the database server, without the jumps that its clock makes (F33)."""

import time

import structlog
from sqlalchemy import BigInteger, Connection, Float, bindparam, column, text, update

from memory.records.prepared import row, run
from memory.tables import installation

log: structlog.stdlib.BoundLogger = structlog.get_logger()

JUMP_SECONDS = 1.0
"""Clocks that are kept right by slewing are never off by more between two looks."""

_NOW = text("SELECT extract(epoch FROM clock_timestamp())::float8 AS now, clock_shift AS shift FROM installation").columns(
    column("now", Float), column("shift", BigInteger)
)
_SHIFT = update(installation).where(installation.c.clock_shift == bindparam("known")).values(clock_shift=bindparam("shift"))


def _steady() -> float:
    # Goes on while the machine sleeps, as the server's clock does; not every system has it.
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class ServerClock:
    """Measured at the start and at every sweep; in between the steady clock of this machine goes on.

    Who first sees that the server's clock has jumped takes it back in `installation.clock_shift`, for all.
    """

    def __init__(self) -> None:
        self._offset: float | None = None
        self._shift = 0

    def ticks(self) -> float:
        """Seconds, comparable at every replica."""
        return _steady() + (self._offset or 0.0)

    def measure(self, connection: Connection) -> None:
        """Looks at the server's clock."""
        before = _steady()
        found = row(connection, _NOW, {})
        if found is None:
            return
        offset = found.now + found.shift / 1e6 - (before + _steady()) / 2
        jumped = self._offset is not None and abs(offset - self._offset) > JUMP_SECONDS
        if jumped and found.shift == self._shift:
            log.warning("database.clock_jumped", seconds=round(offset - (self._offset or 0.0), 1))
            shift = found.shift - round((offset - (self._offset or 0.0)) * 1e6)
            run(connection, _SHIFT, {"known": found.shift, "shift": shift})
            return
        self._offset, self._shift = offset, found.shift
