"""Calendar entries read out of what a tool has answered, and what has to be done about them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from shared.contract.person import CalendarEvent
from workflow.jobs.tooling import entries, first_of, moment_of

MOST: Final = 2_000
LONGEST_DESCRIPTION: Final = 4_000


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when entries are looked at."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the calendar has, as memory takes it. `complete`: all of it could be read."""

    entries: list[dict[str, Any]]
    complete: bool


def fetched(result: Any, prefix: str, zone: ZoneInfo) -> Fetched:
    """The entries of one answer. One that can't be read is left out, and then nothing counts as vanished."""
    found = entries(result, ("events", "items", "entries", "results"))
    if found is None:
        return Fetched([], complete=False)
    read = [_entry(item, prefix, zone) for item in found if item.get("status") != "cancelled"]
    return Fetched([entry for entry in read if entry is not None][:MOST], complete=None not in read and len(read) <= MOST)


def next_of(result: Any) -> str | None:
    """Where the next page begins, if there is one."""
    given = (
        first_of(cast("dict[str, Any]", result), "nextPageToken", "nextCursor", "next") if isinstance(result, dict) else None
    )
    return given if isinstance(given, str) and given else None


def _entry(item: Mapping[str, Any], prefix: str, zone: ZoneInfo) -> dict[str, Any] | None:
    identity = first_of(item, "id", "uid", "eventId", "iCalUID")
    start = _edge(first_of(item, "start.dateTime", "start.date", "start", "startTime"), zone)
    end = _edge(first_of(item, "end.dateTime", "end.date", "end", "endTime"), zone)
    if not isinstance(identity, (str, int)) or not str(identity) or start is None:
        return None
    title = first_of(item, "title", "summary", "subject", "name")
    return {
        "externalId": f"{prefix}{identity}"[:255],
        "title": _text(title, 500) or "(untitled)",
        "start": start.isoformat(),
        "end": max(end or start, start).isoformat(),
        "description": _text(first_of(item, "description", "notes", "body.content"), LONGEST_DESCRIPTION),
        "location": _text(first_of(item, "location.displayName", "location.name", "location"), 255),
    }


def _text(value: Any, longest: int) -> str | None:
    """A text as every database takes it."""
    if not isinstance(value, str):
        return None
    return value.replace("\0", "").encode(errors="replace").decode().strip()[:longest] or None


def _edge(value: Any, zone: ZoneInfo) -> datetime | None:
    """In UTC; a day, and a time without an offset, are meant where the person lives."""
    at = moment_of(value)
    if at is None:
        return None
    try:
        return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return None


def changes(found: Fetched, known: Sequence[CalendarEvent], prefix: str, window: Window) -> dict[str, Any]:
    """Entries to be kept and ids to be removed: what was brought over before, lies in the window, and is there no more."""
    ours = {event.external_id: event for event in known if event.external_id and event.external_id.startswith(prefix)}
    wanted = {entry["externalId"]: entry for entry in found.entries}
    keep = [entry for external, entry in wanted.items() if external not in ours or _differs(entry, ours[external])]
    remove: list[str] = []
    if found.complete:
        remove = [event.id for external, event in ours.items() if external not in wanted and _within(event, window)]
    return {"keep": keep, "remove": remove, "unchanged": len(wanted) - len(keep)}


def _within(event: CalendarEvent, window: Window) -> bool:
    """Well inside: servers do not agree on what belongs to a time at its edges."""
    day = timedelta(days=1)
    return event.start >= window.start + day and event.end <= window.end - day


def _differs(entry: Mapping[str, Any], event: CalendarEvent) -> bool:
    same = (entry["title"], entry["description"], entry["location"]) == (event.title, event.description, event.location)
    times = (datetime.fromisoformat(entry["start"]), datetime.fromisoformat(entry["end"]))
    return not same or times != (event.start, event.end)
