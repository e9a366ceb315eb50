"""The plan of a day out of open tasks and the calendar, by a rule that anybody can follow. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.contract.person import CalendarEvent, Task

PRIORITIES: Final = 3
TODOS: Final = 5
LONGEST_NOTE: Final = 4_000
PRESSING: Final = frozenset({"urgent", "important"})
"""Tags that go before every date."""


def zone_of(name: Any) -> ZoneInfo:
    """The timezone of this name; UTC when there is none."""
    try:
        return ZoneInfo(name if isinstance(name, str) else "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The beginning and the end of this day there, in UTC."""
    begins = datetime(day.year, day.month, day.day, tzinfo=zone)
    after = day + timedelta(days=1)
    return begins.astimezone(UTC), datetime(after.year, after.month, after.day, tzinfo=zone).astimezone(UTC)


def planned(tasks: Sequence[Task], events: Sequence[CalendarEvent], day: date, zone: ZoneInfo) -> dict[str, list[str]]:
    """Three priorities, five todos, one note: pressing tasks first, then what is due first, then the oldest."""
    ordered = [task.title for task in sorted(tasks, key=lambda task: _urgency(task, zone))]
    left = len(ordered) - PRIORITIES - TODOS
    note = [calendar_of(events, day, zone), f"{left} more tasks are open." if left > 0 else ""]
    return {
        "priorities": ordered[:PRIORITIES],
        "todos": ordered[PRIORITIES : PRIORITIES + TODOS],
        "notes": [" ".join(part for part in note if part)[:LONGEST_NOTE]],
    }


def _urgency(task: Task, zone: ZoneInfo) -> tuple[bool, str, datetime]:
    pressing = any(tag.lower() in PRESSING for tag in task.tags)
    return (not pressing, _due_day(task.due, zone), task.created_at)


def _due_day(due: str | None, zone: ZoneInfo) -> str:
    """As it sorts: what has no date comes last."""
    if due is None:
        return "~"
    if len(due) == len("2026-01-31"):
        return due
    return datetime.fromisoformat(due).astimezone(zone).date().isoformat()


def calendar_of(events: Sequence[CalendarEvent], day: date, zone: ZoneInfo) -> str:
    """What is in the calendar, in one sentence."""
    shown = [event for event in events if event.kind == "event" and not event.warm_only]
    if not shown:
        return "Nothing is in the calendar."
    return "In the calendar: " + "; ".join(_entry(event, day, zone) for event in shown) + "."


def _entry(event: CalendarEvent, day: date, zone: ZoneInfo) -> str:
    begins, ends = event.start.astimezone(zone), event.end.astimezone(zone)
    first = f"{begins:%H:%M}" if begins.date() == day else "…"
    last = f"{ends:%H:%M}" if ends.date() == day else "…"
    where = f" ({event.location})" if event.location else ""
    return f"{first}–{last} {event.title}{where}"


def worded(plan: Mapping[str, Any]) -> str:
    """The plan as a message."""
    day = date.fromisoformat(plan["date"])
    parts = [f"**{day:%A}, {day:%d} {day:%B}**"]
    for name, lines in (("First", plan["priorities"]), ("Then", plan["todos"])):
        if lines:
            parts.append("\n".join([f"{name}:", *(f"{number}. {line}" for number, line in enumerate(lines, 1))]))
    return "\n\n".join([*parts, *plan["notes"]])
