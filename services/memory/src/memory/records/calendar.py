"""Calendar entries, by their start."""

from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, tuple_, update

from memory.clock import micros, moment
from memory.records.prepared import AnyRow, row, rows, run, scalar
from memory.tables import calendar
from shared.contract.person import CalendarEvent
from shared.errors import UnknownEvent

_c = calendar.c
_OF_USER = select(calendar).where(_c.user_id == bindparam("user"))
_ONE = _OF_USER.where(_c.id == bindparam("event"))
_WITH_EXTERNAL_ID = _OF_USER.where(_c.external_id == bindparam("external_id"))
_DERIVED = _OF_USER.where(_c.source_event_id == bindparam("event")).limit(1)
_COUNT = select(func.count()).select_from(calendar).where(_c.user_id == bindparam("user"))
_CHANGED = _OF_USER.where(_c.changed > bindparam("since")).order_by(_c.changed.desc(), _c.id.desc()).limit(bindparam("limit"))
_INSERT = insert(calendar)
_CHANGE = (
    update(calendar)
    .where(_c.id == bindparam("event"))
    .values(
        title=bindparam("new_title"),
        starts_at=bindparam("new_start"),
        ends_at=bindparam("new_end"),
        description=bindparam("new_description"),
        location=bindparam("new_location"),
        warm_only=bindparam("new_warm_only"),
        destination=bindparam("new_destination"),
        external_id=bindparam("new_external_id"),
        changed=bindparam("version"),
        updated_at=bindparam("at"),
    )
)
_DELETE = delete(calendar).where(_c.id == bindparam("event"))

BEGINNING, END = -(1 << 62), 1 << 62
"""Moments before and after all others."""


def _page(*, travel: bool) -> Select[Any]:
    page = _OF_USER if travel else _OF_USER.where(_c.kind == "event")
    return (
        page.where(
            _c.ends_at > bindparam("from_"),
            _c.starts_at < bindparam("until"),
            tuple_(_c.starts_at, _c.id) > tuple_(bindparam("after"), bindparam("after_id")),
        )
        .order_by(_c.starts_at, _c.id)
        .limit(bindparam("limit"))
    )


_PAGES = {travel: _page(travel=travel) for travel in (False, True)}


def _event(row: AnyRow) -> CalendarEvent:
    return CalendarEvent(
        id=row.id,
        title=row.title,
        start=moment(row.starts_at),
        end=moment(row.ends_at),
        description=row.description,
        location=row.location,
        kind=row.kind,
        warm_only=bool(row.warm_only),
        destination=row.destination,
        source_event_id=row.source_event_id,
        external_id=row.external_id,
        generation_id=row.generation_id,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


def get(connection: Connection, user: str, event_id: str) -> CalendarEvent:
    """The entry, if it is this user's. Raises UnknownEvent: what is others' does not exist."""
    found = row(connection, _ONE, {"user": user, "event": event_id})
    if found is None:
        raise UnknownEvent
    return _event(found)


def with_external_id(connection: Connection, user: str, external_id: str) -> CalendarEvent | None:
    """The one that has this id in the calendar it was brought from."""
    found = row(connection, _WITH_EXTERNAL_ID, {"user": user, "external_id": external_id})
    return None if found is None else _event(found)


def derived_from(connection: Connection, user: str, event_id: str) -> CalendarEvent | None:
    """The travel event of this one, if it has one."""
    found = row(connection, _DERIVED, {"user": user, "event": event_id})
    return None if found is None else _event(found)


def count(connection: Connection, user: str) -> int:
    """How many there are."""
    return scalar(connection, _COUNT, {"user": user})


def page(
    connection: Connection, user: str, span: tuple[int, int], after: tuple[int, str] | None, limit: int, *, travel: bool = True
) -> list[CalendarEvent]:
    """Entries that end after and begin before these moments, by their start, after this start and id."""
    start, after_id = after or (BEGINNING, "")
    values = {"user": user, "from_": span[0], "until": span[1], "after": start, "after_id": after_id, "limit": limit}
    return [_event(row) for row in rows(connection, _PAGES[travel], values)]


def changed_since(connection: Connection, user: str, since: int, limit: int) -> list[CalendarEvent]:
    """Those that changed after this version, the last first."""
    return [_event(row) for row in rows(connection, _CHANGED, {"user": user, "since": since, "limit": limit})]


def keep(connection: Connection, user: str, event: CalendarEvent, version: int) -> None:
    """Stores a new one."""
    run(
        connection,
        _INSERT,
        {
            "id": event.id,
            "user_id": user,
            "title": event.title,
            "starts_at": micros(event.start),
            "ends_at": micros(event.end),
            "description": event.description,
            "location": event.location,
            "kind": event.kind,
            "warm_only": event.warm_only,
            "destination": event.destination,
            "source_event_id": event.source_event_id,
            "external_id": event.external_id,
            "generation_id": event.generation_id,
            "changed": version,
            "created_at": micros(event.created_at),
            "updated_at": micros(event.updated_at),
        },
    )


def change(connection: Connection, event: CalendarEvent, version: int) -> None:
    """Stores what can be changed of it."""
    run(
        connection,
        _CHANGE,
        {
            "event": event.id,
            "new_title": event.title,
            "new_start": micros(event.start),
            "new_end": micros(event.end),
            "new_description": event.description,
            "new_location": event.location,
            "new_warm_only": event.warm_only,
            "new_destination": event.destination,
            "new_external_id": event.external_id,
            "version": version,
            "at": micros(event.updated_at),
        },
    )


def drop(connection: Connection, event_id: str) -> None:
    """Deletes it."""
    run(connection, _DELETE, {"event": event_id})
