"""How what tools answer is shown: moments in the person's time, lists that end."""

from collections.abc import Callable, Sequence
from datetime import datetime, time
from typing import Any

from inference.rules.moments import day_said


def moment_of(value: object, now: datetime) -> datetime | None:
    """A time that a tool gave, where the person is; None when it is none."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is None:
        return None
    return moment.replace(tzinfo=now.tzinfo) if moment.tzinfo is None else moment.astimezone(now.tzinfo)


def due_of(value: object, now: datetime) -> datetime | None:
    """When a task is due: a day counts until its end."""
    moment = moment_of(value, now)
    if moment is None or not isinstance(value, str) or len(value) > len("2026-01-31"):
        return moment
    return datetime.combine(moment.date(), time(23, 59, 59), now.tzinfo)


def listed(head: str, things: Sequence[Any], line: Callable[[Any], str], most: int) -> str:
    """A head, and a line for each thing; how many more there are is said."""
    lines = [f"- {line(thing)}" for thing in things[:most]]
    more = [f"- … and {len(things) - most} more"] if len(things) > most else []
    return "\n".join([head, "", *lines, *more])


def event_line(event: dict[str, Any], now: datetime, *, dated: bool) -> str:
    """`09:00–10:00 Meeting (Room 5)`."""
    start, end = moment_of(event.get("start"), now), moment_of(event.get("end"), now)
    place = f" ({event['location']})" if event.get("location") else ""
    title = f"**{event.get('title') or 'Event'}**{place}"
    if start is None:
        return title
    until = f"–{end:%H:%M}" if end and end.date() == start.date() and end > start else ""
    day = f"{day_said(start.date())}, " if dated else ""
    return f"{day}{start:%H:%M}{until} {title}"


def by_start(events: Sequence[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """In the order in which they begin, without those that are only kept warm."""
    shown = [event for event in events if event.get("kind", "event") == "event" and not event.get("warmOnly")]
    return sorted(shown, key=lambda event: moment_of(event.get("start"), now) or now)
