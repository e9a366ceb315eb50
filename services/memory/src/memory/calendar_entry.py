"""What becomes of a calendar entry, and of the travel event that follows from it."""

from datetime import UTC, datetime
from typing import Any

from shared.contract.person import CalendarEvent
from shared.contract.state import KeepEvent
from shared.errors import Invalid
from shared.ids import NewId


def span(question: KeepEvent) -> tuple[datetime, datetime]:
    """Start and end in UTC. Raises Invalid."""
    if question.start.tzinfo is None or question.end.tzinfo is None:
        raise Invalid("Start and end need their offset, such as 2026-01-31T09:00:00+01:00.")
    try:
        start, end = question.start.astimezone(UTC), question.end.astimezone(UTC)
    except OverflowError:
        raise Invalid("Start and end must lie in the years 1 to 9999.") from None
    if end < start:
        raise Invalid("The end is before the start.")
    return start, end


def entry(
    question: KeepEvent, old: CalendarEvent | None, generation_id: str | None, new_id: NewId, at: datetime
) -> CalendarEvent:
    """The entry as it is wanted, in place of the old one; the same one when nothing is different. Raises Invalid."""
    start, end = span(question)
    wanted: dict[str, Any] = {
        "title": question.title,
        "start": start,
        "end": end,
        "description": question.description,
        "location": question.location,
        "warm_only": question.warm_only,
        "external_id": question.external_id,
    }
    if old is None:
        return CalendarEvent(id=new_id("ev"), **wanted, generation_id=generation_id, created_at=at, updated_at=at)
    wanted["external_id"] = question.external_id or old.external_id
    new = old.model_copy(update=wanted)
    return old if new == old else new.model_copy(update={"updated_at": at})


def journey(event: CalendarEvent, destination: str, old: CalendarEvent | None, new_id: NewId, at: datetime) -> CalendarEvent:
    """The travel event that follows from this one; the old one when nothing is different."""
    wanted: dict[str, Any] = {
        "title": f"Travel to {destination}",
        "start": event.start,
        "end": event.end,
        "destination": destination,
    }
    if old is not None:
        new = old.model_copy(update=wanted)
        return old if new == old else new.model_copy(update={"updated_at": at})
    return CalendarEvent(
        id=new_id("ev"),
        **wanted,
        kind="travel",
        warm_only=True,
        source_event_id=event.id,
        generation_id=event.generation_id,
        created_at=at,
        updated_at=at,
    )
