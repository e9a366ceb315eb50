"""Moments of a cron expression in a timezone. Five fields, as crontab(5) has them; names of days and months too."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.errors import Invalid

SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
MONTHS = {
    name: number
    for number, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1)
}
MOST_DAYS = 366 * 9
"""How far ahead a moment is looked for: the 29th of February may be eight years away."""


@dataclass(frozen=True, slots=True)
class Cron:
    """An expression, read."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """Both day fields are given: a day that fits one of them is enough."""

    def on(self, day: date) -> bool:
        """Whether anything happens on this day."""
        by_month, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (by_month or by_week if self.either_day else by_month and by_week)

    def moments(self, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """All moments after this one, in UTC and in order.

        An hour that the clocks skip is made up for; one that comes twice counts once, unless every hour counts.
        """
        first = after.astimezone(zone).date()
        for offset in range(MOST_DAYS):
            day = first + timedelta(days=offset)
            if self.on(day):
                yield from sorted(each for each in self._of(day, zone) if each > after)

    def _of(self, day: date, zone: ZoneInfo) -> set[datetime]:
        folds = (0, 1) if len(self.hours) == 24 else (0,)
        return {
            datetime.combine(day, time(hour, minute, fold=fold), zone).astimezone(UTC)
            for hour in self.hours
            for minute in self.minutes
            for fold in folds
        }


def parse(expression: str) -> Cron:
    """Raises Invalid."""
    fields = SHORT.get(expression.strip().lower(), expression).lower().split()
    if len(fields) != 5:
        raise Invalid("A cron expression has five fields: minute, hour, day of the month, month, day of the week.")
    minute, hour, day, month, weekday = fields
    return Cron(
        _field(minute, 0, 59, {}),
        _field(hour, 0, 23, {}),
        _field(day, 1, 31, {}),
        _field(month, 1, 12, MONTHS),
        frozenset(number % 7 for number in _field(weekday, 0, 7, DAYS)),
        either_day=not day.startswith("*") and not weekday.startswith("*"),
    )


def zone_of(name: str) -> ZoneInfo:
    """Raises Invalid."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"There is no timezone {name[:64]!r}.") from None


def _field(text: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            begin, end = low, high
        else:
            begin = _number(first, low, high, names)
            end = _number(last, low, high, names) if last else (high if step else begin)
        found.update(range(begin, end + 1, _number(step, 1, high, {}) if step else 1))
    if not found:
        raise Invalid(f"{text[:40]!r} is never in a cron expression.")
    return frozenset(found)


def _number(text: str, low: int, high: int, names: dict[str, int]) -> int:
    if text in names:
        return names[text]
    if not (text.isascii() and text.isdigit() and low <= int(text[:4]) <= high):
        raise Invalid(f"{text[:40]!r} is not a number from {low} to {high} in a cron expression.")
    return int(text)
