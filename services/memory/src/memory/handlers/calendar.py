"""The calendar. `keep` is also what an answer does that asks for it: within its transaction, and once with it."""

from datetime import datetime

from memory.calendar_entry import entry, journey
from memory.clock import micros
from memory.handlers.reading import Snapshot
from memory.handlers.repetition import change_once
from memory.handlers.trips import forget_journey
from memory.paging import bounded, moment_cursor, parse_moment_cursor, within
from memory.records import calendar, preferences
from memory.transaction import Transaction
from memory.travel import destination
from shared.contract.changes import CalendarCreated, CalendarDeleted, CalendarUpdated
from shared.contract.person import CalendarEvent
from shared.contract.state import CalendarEvents, DeleteEvent, KeepEvent, KeptEvent, ListEvents
from shared.errors import Invalid, LimitReached


def keep_event(tx: Transaction, question: KeepEvent) -> KeptEvent:
    """Makes or changes an entry, and the travel event that follows from it."""
    return change_once(tx, "keep_event", question, KeptEvent, lambda: keep(tx, question))


def keep(tx: Transaction, question: KeepEvent, generation_id: str | None = None) -> KeptEvent:
    """The same without regard to repetition, for the answer that asked for it."""
    old = _old(tx, question)
    event = entry(question, old, generation_id, tx.new_id, tx.at)
    _store(tx, question.user, old, event)
    return KeptEvent(event=event, travel_event=_follow(tx, question.user, event))


def _old(tx: Transaction, question: KeepEvent) -> CalendarEvent | None:
    """The entry that this is put in place of."""
    known = None
    if question.external_id is not None:
        known = calendar.with_external_id(tx.connection, question.user, question.external_id)
    if question.event_id is None:
        return known
    old = calendar.get(tx.connection, question.user, question.event_id)
    if old.kind == "travel":
        raise Invalid("A travel event follows from another entry; change that one.")
    if known is not None and known.id != old.id:
        raise Invalid("Another entry has this external id.")
    return old


def _store(tx: Transaction, user: str, old: CalendarEvent | None, new: CalendarEvent) -> None:
    if old is None:
        _refuse_more(tx, user)
        calendar.keep(tx.connection, user, new, tx.version(user))
        tx.tell_state(user, "calendar", CalendarCreated(**tx.stamp(user), calendar_event=new))
    elif new is not old:
        calendar.change(tx.connection, new, tx.version(user))
        tx.tell_state(user, "calendar", CalendarUpdated(**tx.stamp(user), calendar_event=new))


def _refuse_more(tx: Transaction, user: str) -> None:
    limit = tx.limits.calendar_events
    if calendar.count(tx.connection, user) >= limit:
        raise LimitReached(f"There are {limit} calendar entries, as many as one may have; delete some first.", limit=limit)


def _follow(tx: Transaction, user: str, event: CalendarEvent) -> CalendarEvent | None:
    """The travel event that this one has from now on."""
    home = preferences.of(tx.connection, user).get("home")
    where = destination(event.title, event.description, event.location, home)
    old = calendar.derived_from(tx.connection, user, event.id)
    if where is None:
        if old is not None:
            _drop(tx, user, old)
        return None
    new = journey(event, where, old, tx.new_id, tx.at)
    _store(tx, user, old, new)
    return new


def _drop(tx: Transaction, user: str, event: CalendarEvent) -> None:
    calendar.drop(tx.connection, event.id)
    if event.kind == "travel":
        forget_journey(tx, user, event.id)
    tx.remove(user, "calendar", event.id)
    tx.tell_state(user, "calendar", CalendarDeleted(**tx.stamp(user), calendar_event=event))


def delete_event(tx: Transaction, question: DeleteEvent) -> CalendarEvent:
    """Deletes an entry and the travel event that follows from it. A travel event can also be deleted by itself."""
    return change_once(tx, "delete_event", question, CalendarEvent, lambda: _delete(tx, question))


def _delete(tx: Transaction, question: DeleteEvent) -> CalendarEvent:
    event = calendar.get(tx.connection, question.user, question.event_id)
    travel = calendar.derived_from(tx.connection, question.user, event.id)
    for gone in (event, travel):
        if gone is not None:
            _drop(tx, question.user, gone)
    return event


def list_events(view: Snapshot, question: ListEvents) -> CalendarEvents:
    """A page of the calendar, by start."""
    limit, after = bounded(question.limit), parse_moment_cursor(question.cursor)
    span = _edge(question.start, calendar.BEGINNING), _edge(question.end, calendar.END)
    found = calendar.page(view.connection, question.user, span, after, limit + 1, travel=question.travel)
    page = within(found[:limit], view.limits.page_bytes)
    more = len(page) < len(found)
    return CalendarEvents(events=page, next=moment_cursor(micros(page[-1].start), page[-1].id) if more else None)


def _edge(at: datetime | None, otherwise: int) -> int:
    if at is None:
        return otherwise
    if at.tzinfo is None:
        raise Invalid("A time needs its offset, such as 2026-01-31T09:00:00+01:00.")
    return micros(at)
