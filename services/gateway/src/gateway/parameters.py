"""What may stand in addresses and headers of many calls: limits, cursors, keys, times."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import Header, Query
from pydantic import BeforeValidator

Limit = Annotated[int, Query(ge=1, le=500)]
PageCursor = Annotated[str | None, Query(min_length=1, max_length=255)]
IdempotencyKey = Annotated[str | None, Header(alias="idempotency-key", min_length=1, max_length=255)]

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)",
    re.ASCII,
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_VERSION = re.compile(r"\d{1,18}", re.ASCII)


def moment(value: Any) -> datetime:
    """A moment of RFC 3339 with its offset, in UTC. Raises ValueError."""
    text = value.upper() if isinstance(value, str) else ""
    # In an address an unescaped + is a space.
    text = text[:-6] + re.sub(r" (?=\d\d:\d\d$)", "+", text[-6:])
    if not _MOMENT.fullmatch(text):
        raise ValueError("must be a time with its offset, such as 2026-01-31T09:00:00+01:00")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is no time that there is") from None


def day(value: Any) -> str:
    """A day such as 2026-01-31. Raises ValueError."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("must be a day, such as 2026-01-31")
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueError("is no day that there is") from None


def day_or_moment(value: Any) -> str:
    """Either, as text; a moment in UTC. Raises ValueError."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        return day(value)
    return moment(value).isoformat().replace("+00:00", "Z")


def beginning(value: Any) -> datetime:
    """A moment; a day is its beginning in UTC. Raises ValueError."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        return moment(day(value) + "T00:00:00Z")
    return moment(value)


def end(value: Any) -> datetime:
    """A moment; a day is its end in UTC. Raises ValueError."""
    try:
        whole = isinstance(value, str) and _DAY.fullmatch(value)
        return beginning(value) + timedelta(days=1 if whole else 0)
    except OverflowError:
        raise ValueError("is no day that there is") from None


def place_in_time(value: Any) -> str:
    """A version of the state, or a moment. Raises ValueError."""
    if isinstance(value, str) and _VERSION.fullmatch(value):
        return value
    try:
        return moment(value).isoformat().replace("+00:00", "Z")
    except ValueError:
        raise ValueError("must be a version, or a time with its offset, such as 2026-01-31T09:00:00+01:00") from None


Moment = Annotated[datetime, BeforeValidator(moment)]
Day = Annotated[str, BeforeValidator(day)]
DayOrMoment = Annotated[str, BeforeValidator(day_or_moment)]
Since = Annotated[str, BeforeValidator(place_in_time)]
From = Annotated[datetime, BeforeValidator(beginning)]
To = Annotated[datetime, BeforeValidator(end)]
