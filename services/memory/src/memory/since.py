"""Since when somebody wants to know what has changed: a version, or a moment that stands for one."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from memory.clock import micros
from shared.errors import Invalid

_VERSION = re.compile(r"[0-9]{1,18}")

Dated: TypeAlias = tuple[int, int]
"""A version and its moment."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, in microseconds."""

    at: int


def parse_since(text: str) -> int | Moment:
    """The version, or the moment. Raises Invalid."""
    if _VERSION.fullmatch(text):
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Invalid("since must be a version, or a time with its offset, such as 2026-01-31T08:00:00Z.")
    return Moment(micros(at))


def version_at(moment: Moment, known: range, log: Callable[[int], Dated | None]) -> int:
    """The version that the state had then, or an earlier one where the log has a gap: no change before it is later.

    `log(version)` is the first version from this one on that the log has; the moments of versions only grow. `known` are the
    versions in question; the answer may be the one before the first of them.
    """
    low, high = known.start, known.stop
    while low < high:
        middle = (low + high) // 2
        dated = log(middle)
        if dated is None or dated[1] > moment.at:
            high = middle
        else:
            low = dated[0] + 1
    return low - 1
