"""The made-up diary: the same days always have the same entries, on every machine. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

MOST_DAYS: Final = 400
"""Days that may be asked for at a time."""

_MEETINGS: Final = (
    ("Design review", 60, "Room 2"),
    ("One-to-one", 30, None),
    ("Customer call", 45, "https://meet.example.org/customer"),
    ("Budget", 60, "Room 5"),
    ("Interview", 60, "Room 1"),
    ("Planning", 90, None),
)
_EVENINGS: Final = (("Yoga", 60, "Gym"), ("Dinner with friends", 120, None), ("Choir", 90, "Church hall"))
_TRIPS: Final = (("Conference", "Paris"), ("Workshop", "Vienna"), ("Partner days", "London"), ("Fair", "Milan"))


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the diary. `uid` stays the same as long as it is there."""

    uid: str
    title: str
    start: datetime
    end: datetime
    location: str | None = None

    def shown(self) -> dict[str, Any]:
        """As the tool answers it."""
        return {
            "id": self.uid,
            "title": self.title,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "location": self.location,
            "description": "Made up, for trying things out.",
        }


def entries(start: datetime, end: datetime, owner: str, zone: ZoneInfo) -> list[Entry]:
    """Entries that end after `start` and begin before `end`, in order. Raises ValueError for too many days."""
    first, last = start.astimezone(zone).date() - timedelta(days=3), end.astimezone(zone).date()
    if (last - first).days > MOST_DAYS:
        raise ValueError(f"no more than {MOST_DAYS - 4} days at a time")
    days = (first + timedelta(days=number) for number in range(max(0, (last - first).days + 1)))
    found = [entry for day in days for entry in _of(day, owner, zone) if entry.end > start and entry.start < end]
    return sorted(found, key=lambda entry: (entry.start, entry.uid))


def _of(day: date, owner: str, zone: ZoneInfo) -> Iterator[Entry]:
    """What begins on a day: a short meeting each working day, up to two more, sometimes an evening, once a month a journey."""
    chance = Random(sha256(f"{owner}|{day.isoformat()}".encode()).digest())  # noqa: S311 - a diary that is made up is no secret
    if day.weekday() < 5:
        yield _entry(day, "standup", ("Standup", 15, None), time(9, 30), zone)
        hours = chance.sample((10, 11, 13, 14, 15, 16), 2)
        for number in range(chance.randint(0, 2)):
            yield _entry(day, f"meeting-{number}", chance.choice(_MEETINGS), time(hours[number]), zone)
    if chance.random() < 0.3:
        yield _entry(day, "evening", chance.choice(_EVENINGS), time(18, 30), zone)
    if day.weekday() == 1 and 8 <= day.day <= 14:
        title, town = _TRIPS[day.month % len(_TRIPS)]
        begins = datetime.combine(day, time(9), zone)
        yield Entry(f"{day:%Y%m%d}-trip", f"{title} in {town}", begins, begins + timedelta(days=2, hours=8), town)


def _entry(day: date, kind: str, meeting: tuple[str, int, str | None], at: time, zone: ZoneInfo) -> Entry:
    title, minutes, location = meeting
    begins = datetime.combine(day, at, zone)
    return Entry(f"{day:%Y%m%d}-{kind}", title, begins, begins + timedelta(minutes=minutes), location)
