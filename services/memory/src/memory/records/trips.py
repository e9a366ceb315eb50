"""Trips with their flights, by the day on which they begin."""

import json

from sqlalchemy import Connection, bindparam, delete, func, select

from memory.clock import micros, moment
from memory.records.prepared import AnyRow, row, rows, run, scalar
from memory.records.upserts import upsert
from memory.tables import trips
from shared.contract.trip import Trip

_t = trips.c
_OF_USER = select(trips).where(_t.user_id == bindparam("user"))
_ONE = _OF_USER.where(_t.id == bindparam("trip"))
_FOR_EVENT = _OF_USER.where(_t.travel_event_id == bindparam("event"))
_COUNT = select(func.count()).select_from(trips).where(_t.user_id == bindparam("user"))
_SINCE = _OF_USER.where(_t.departure_date >= bindparam("since")).order_by(_t.departure_date, _t.id).limit(bindparam("limit"))
_CHANGED = _OF_USER.where(_t.changed > bindparam("since")).order_by(_t.changed.desc(), _t.id.desc()).limit(bindparam("limit"))
_KEEP = upsert(
    trips, ["user_id", "id"], ["travel_event_id", "departure_date", "status", "value", "changed", "created_at", "updated_at"]
)
_DELETE = delete(trips).where(_t.user_id == bindparam("user"), _t.id == bindparam("trip"))
_ELSEWHERE = {"id", "workflow_id", "travel_event_id", "departure_date", "status", "created_at", "updated_at"}


def _trip(row: AnyRow) -> Trip:
    return Trip(
        id=row.id,
        workflow_id=row.id,
        travel_event_id=row.travel_event_id,
        departure_date=row.departure_date,
        status=row.status,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
        **json.loads(row.value),
    )


def get(connection: Connection, user: str, trip_id: str) -> Trip | None:
    """The trip, if it is this user's."""
    found = row(connection, _ONE, {"user": user, "trip": trip_id})
    return None if found is None else _trip(found)


def for_event(connection: Connection, user: str, event_id: str) -> list[Trip]:
    """Those for this travel event."""
    return [_trip(row) for row in rows(connection, _FOR_EVENT, {"user": user, "event": event_id})]


def count(connection: Connection, user: str) -> int:
    """How many there are."""
    return scalar(connection, _COUNT, {"user": user})


def since_day(connection: Connection, user: str, day: str, limit: int) -> list[Trip]:
    """Those that begin on this day or later, the next one first."""
    return [_trip(row) for row in rows(connection, _SINCE, {"user": user, "since": day, "limit": limit})]


def changed_since(connection: Connection, user: str, since: int, limit: int) -> list[Trip]:
    """Those that changed after this version, the last first."""
    return [_trip(row) for row in rows(connection, _CHANGED, {"user": user, "since": since, "limit": limit})]


def keep(connection: Connection, user: str, trip: Trip, version: int) -> None:
    """Stores it in place of the one there was."""
    value = json.dumps(trip.model_dump(mode="json", exclude=_ELSEWHERE, exclude_none=True))
    run(
        connection,
        _KEEP,
        {
            "user_id": user,
            "id": trip.id,
            "travel_event_id": trip.travel_event_id,
            "departure_date": trip.departure_date,
            "status": trip.status,
            "value": value,
            "changed": version,
            "created_at": micros(trip.created_at),
            "updated_at": micros(trip.updated_at),
        },
    )


def drop(connection: Connection, user: str, trip_id: str) -> None:
    """Deletes it."""
    run(connection, _DELETE, {"user": user, "trip": trip_id})
