"""Deleting all rows of a user, some at a time, and the row that says how far it is."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from sqlalchemy import Connection, Table, bindparam, delete, select, tuple_, update
from sqlalchemy.sql.dml import ReturningDelete

from memory import machinery, tables
from memory.machinery import outbox
from memory.records.belonging import mine
from memory.records.prepared import row, rows, run
from memory.records.upserts import insert, upsert
from memory.tables import departures, installation, users

ELSEWHERE = frozenset({"audit", "departures", "outbox", "search_queue", "search_users", "search_documents", "embeddings"})
"""Tables that are not just emptied: the audit leaves a tombstone, the outbox has to be sent first, search keeps its own."""

LAST = (tables.messages, tables.generations, tables.conversations)
"""Deleted one after the other, because a conversation would take all of its messages with it in one transaction."""

_d = departures.c
_FIND = select(departures).where(_d.user_id == bindparam("user"))
_DUE = select(departures).where(_d.due <= bindparam("now")).limit(bindparam("limit"))
_BEGIN = upsert(departures, ["user_id"], ["step", "conversations", "due"])
_CLAIM = update(departures).where(_d.user_id == bindparam("user")).values(due=bindparam("until"))
_TAKE = (
    update(departures)
    .where(_d.user_id == bindparam("user"), _d.due <= bindparam("now"))
    .values(due=bindparam("until"))
    .returning(*departures.c)
)
_END = delete(departures).where(_d.user_id == bindparam("user"))
_UNSENT = select(outbox.c.id).where(outbox.c.user_id == bindparam("user"), outbox.c.poison.is_(None)).limit(1)
_FORGET_LETTERS = delete(outbox).where(outbox.c.user_id == bindparam("user"))
_FORGET_USER = delete(users).where(users.c.id == bindparam("user"))
_FLOOR = select(installation.c.version_floor).limit(1).scalar_subquery()
_CLOSE = (
    insert(users)
    .values(id=bindparam("user"), version=_FLOOR, forgotten=_FLOOR, erasing=True)
    .on_conflict_do_update(index_elements=[users.c.id], set_={"erasing": True})
)


@dataclass(frozen=True, slots=True)
class Departure:
    """An erasure under way. `conversations`: where a worker may still write; `due`: when somebody has to look again."""

    user: str
    step: Literal["rows", "late"]
    conversations: tuple[str, ...]
    due: int


def owned_tables() -> list[Table]:
    """Every table whose rows of a user are deleted one batch after the other, in this order."""
    first = [
        table
        for table in machinery.metadata.sorted_tables
        if "user_id" in table.c and table not in LAST and table.name not in ELSEWHERE
    ]
    return [*first, *LAST]


@cache
def _delete(table: Table) -> ReturningDelete[Any]:
    keys = list(table.primary_key.columns)
    some = select(*keys).where(mine(table)).limit(bindparam("limit"))
    which = keys[0].in_(some) if len(keys) == 1 else tuple_(*keys).in_(some)
    return delete(table).where(which).returning(keys[0])


def delete_some(connection: Connection, table: Table, user: str, limit: int) -> int:
    """Deletes up to so many rows of this user; answers how many it were."""
    return len(rows(connection, _delete(table), {"user": user, "limit": limit}))


def has_unsent(connection: Connection, user: str) -> bool:
    """Whether something of this user is still on its way to NATS."""
    return bool(rows(connection, _UNSENT, {"user": user}))


def forget(connection: Connection, user: str) -> None:
    """Deletes what is left at the end: letters that nobody takes, and the user."""
    run(connection, _FORGET_LETTERS, {"user": user})
    run(connection, _FORGET_USER, {"user": user})


def close(connection: Connection, user: str) -> None:
    """Nothing of this user is taken from now on."""
    run(connection, _CLOSE, {"user": user})


# --- departures ------------------------------------------------------------------------------------------------------


def _departure(row: Any) -> Departure:
    return Departure(row.user_id, row.step, tuple(json.loads(row.conversations)), row.due)


def find(connection: Connection, user: str) -> Departure | None:
    """The erasure of this user, if one is under way."""
    found = row(connection, _FIND, {"user": user})
    return None if found is None else _departure(found)


def due(connection: Connection, now: int, limit: int) -> list[Departure]:
    """Erasures that nobody works on, or that have something left to do now."""
    return [_departure(row) for row in rows(connection, _DUE, {"now": now, "limit": limit})]


def begin(connection: Connection, departure: Departure, at: int) -> None:
    """Remembers how far it is."""
    values = {"user_id": departure.user, "step": departure.step, "conversations": json.dumps(departure.conversations)}
    run(connection, _BEGIN, {**values, "asked_at": at, "due": departure.due})


def claim(connection: Connection, user: str, until: int) -> None:
    """Somebody works on it until then."""
    run(connection, _CLAIM, {"user": user, "until": until})


def take(connection: Connection, user: str, now: int, until: int) -> Departure | None:
    """The erasure, claimed, if nobody else works on it."""
    found = row(connection, _TAKE, {"user": user, "now": now, "until": until})
    return None if found is None else _departure(found)


def end(connection: Connection, user: str) -> None:
    """Nothing of this user can be written any more."""
    run(connection, _END, {"user": user})
