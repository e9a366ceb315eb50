"""Two clocks: the one people read, and one that never jumps, for leases (F33)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """`now` may be set back and forth by people; `ticks` are seconds that only grow while the machine is up."""

    now: Callable[[], datetime] = _now
    ticks: Callable[[], float] = time.monotonic


def micros(at: datetime) -> int:
    """Microseconds since 1970, as they are stored; exact, unlike `timestamp()`."""
    return (at - _BEGINNING) // _MICROSECOND


def moment(stored: int) -> datetime:
    """The inverse of `micros`."""
    return _BEGINNING + timedelta(microseconds=stored)
