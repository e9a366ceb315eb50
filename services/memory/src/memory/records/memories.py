"""Pinned memories, in the order of type and key."""

import json

from sqlalchemy import Connection, bindparam, delete, func, insert, select, tuple_, update

from memory.clock import micros, moment
from memory.records.prepared import AnyRow, row, rows, run, scalar
from memory.tables import memories
from shared.contract.person import PinnedMemory
from shared.errors import UnknownMemory

_m = memories.c
_OF_USER = select(memories).where(_m.user_id == bindparam("user"))
_ONE = _OF_USER.where(_m.id == bindparam("memory"))
_WITH_KEY = _OF_USER.where(_m.type == bindparam("type"), _m.key == bindparam("key"))
_COUNT = select(func.count()).select_from(memories).where(_m.user_id == bindparam("user"))
_FIRST = _OF_USER.order_by(_m.type, _m.key).limit(bindparam("limit"))
_NEXT = _FIRST.where(tuple_(_m.type, _m.key) > tuple_(bindparam("type"), bindparam("key")))
_CHANGED = _OF_USER.where(_m.changed > bindparam("since")).order_by(_m.changed.desc(), _m.id.desc()).limit(bindparam("limit"))
_INSERT = insert(memories)
_CHANGE = (
    update(memories)
    .where(_m.id == bindparam("memory"))
    .values(
        value=bindparam("new_value"),
        generation_id=bindparam("generation"),
        changed=bindparam("version"),
        updated_at=bindparam("at"),
    )
)
_DELETE = delete(memories).where(_m.id == bindparam("memory"))

EVERY = 10_000
"""More than anybody may have."""


def _memory(row: AnyRow) -> PinnedMemory:
    return PinnedMemory(
        id=row.id,
        type=row.type,
        key=row.key,
        value=json.loads(row.value),
        generation_id=row.generation_id,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


def get(connection: Connection, user: str, memory_id: str) -> PinnedMemory:
    """The memory, if it is this user's. Raises UnknownMemory: what is others' does not exist."""
    found = row(connection, _ONE, {"user": user, "memory": memory_id})
    if found is None:
        raise UnknownMemory
    return _memory(found)


def with_key(connection: Connection, user: str, type_: str, key: str) -> PinnedMemory | None:
    """The one of this type and key, if there is one."""
    found = row(connection, _WITH_KEY, {"user": user, "type": type_, "key": key})
    return None if found is None else _memory(found)


def count(connection: Connection, user: str) -> int:
    """How many there are."""
    return scalar(connection, _COUNT, {"user": user})


def page(connection: Connection, user: str, after: tuple[str, str] | None, limit: int) -> list[PinnedMemory]:
    """Those after this type and key, in their order."""
    if after is None:
        return [_memory(row) for row in rows(connection, _FIRST, {"user": user, "limit": limit})]
    values = {"user": user, "type": after[0], "key": after[1], "limit": limit}
    return [_memory(row) for row in rows(connection, _NEXT, values)]


def all_of(connection: Connection, user: str) -> list[PinnedMemory]:
    """All of this user's, in the order of type and key."""
    return page(connection, user, None, EVERY)


def changed_since(connection: Connection, user: str, since: int, limit: int) -> list[PinnedMemory]:
    """Those that changed after this version, the last first."""
    return [_memory(row) for row in rows(connection, _CHANGED, {"user": user, "since": since, "limit": limit})]


def keep(connection: Connection, user: str, memory: PinnedMemory, value: str, version: int) -> None:
    """Stores a new one; `value` is its value as JSON."""
    run(
        connection,
        _INSERT,
        {
            "id": memory.id,
            "user_id": user,
            "type": memory.type,
            "key": memory.key,
            "value": value,
            "generation_id": memory.generation_id,
            "changed": version,
            "created_at": micros(memory.created_at),
            "updated_at": micros(memory.updated_at),
        },
    )


def change(connection: Connection, memory: PinnedMemory, value: str, version: int) -> None:
    """Stores another value, as JSON."""
    run(
        connection,
        _CHANGE,
        {
            "memory": memory.id,
            "new_value": value,
            "generation": memory.generation_id,
            "version": version,
            "at": micros(memory.updated_at),
        },
    )


def drop(connection: Connection, memory_id: str) -> None:
    """Deletes it."""
    run(connection, _DELETE, {"memory": memory_id})
