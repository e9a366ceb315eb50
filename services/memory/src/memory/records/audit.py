"""The audit's rows, the heads of its chains, and what remains of those that were erased."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from memory.audit import Act, Entry, Head, Linked, Tombstone
from memory.machinery import audit, tombstones
from memory.records.prepared import row, rows, run, run_all, scalar
from memory.tables import users

_HEAD = select(users.c.audit_count, users.c.audit_mac).where(users.c.id == bindparam("user"))
_INSERT = insert(audit)
_MOVE = update(users).where(users.c.id == bindparam("user")).values(audit_count=bindparam("count"), audit_mac=bindparam("last"))
_LIVES = select(func.count()).select_from(tombstones).where(tombstones.c.who == bindparam("whom"))
_BURY = insert(tombstones)
_ERASE = delete(audit).where(audit.c.user_id == bindparam("user"))
_UNANCHORED = (
    select(users.c.id, users.c.audit_count, users.c.audit_mac)
    .where(users.c.audit_count > users.c.audit_anchored)
    .limit(bindparam("limit"))
)
_ANCHORED = update(users).where(users.c.id == bindparam("user")).values(audit_anchored=bindparam("count"))
EVERY_ROW = select(audit).order_by(audit.c.user_id, audit.c.number)
EVERY_HEAD = select(users.c.id, users.c.audit_count, users.c.audit_mac, users.c.audit_anchored).where(users.c.audit_count > 0)
EVERY_TOMBSTONE = select(tombstones)


def head(connection: Connection, user: str) -> Head:
    """The end of this user's chain."""
    found = row(connection, _HEAD, {"user": user})
    return Head(0, b"") if found is None else Head(found.audit_count, bytes(found.audit_mac or b""))


def append(connection: Connection, linked: Linked) -> None:
    """Adds a row, and moves the head to it."""
    entry, act = linked.entry, linked.entry.act
    values = {
        "user_id": entry.user,
        "number": entry.number,
        "at": entry.at,
        "action": act.action,
        "asked_by": act.asked_by,
        "conversation_id": act.conversation_id,
        "generation_id": act.generation_id,
        "message_id": act.message_id,
        "model": act.model,
        "prompt_hash": act.prompt_hash,
        "output_hash": act.output_hash,
        "made": json.dumps(act.made),
        "previous": linked.previous,
        "mac": linked.mac,
    }
    run(connection, _INSERT, values)
    run(connection, _MOVE, {"user": entry.user, "count": entry.number, "last": linked.mac})


def lives(connection: Connection, whom: str) -> int:
    """How many chains of this user were erased."""
    return scalar(connection, _LIVES, {"whom": whom})


def bury(connection: Connection, user: str, stone: Tombstone) -> None:
    """Erases a chain, which the trigger allows while the user is departing, and leaves the tombstone."""
    run(connection, _ERASE, {"user": user})
    values = {"who": stone.who, "life": stone.life, "rows": stone.rows, "last": stone.last, "at": stone.at, "mac": stone.mac}
    run(connection, _BURY, values)
    run(connection, _MOVE, {"user": user, "count": 0, "last": None})
    run(connection, _ANCHORED, {"user": user, "count": 0})


def unanchored(connection: Connection, limit: int) -> list[tuple[str, Head]]:
    """Chains that have grown since their last anchor."""
    found = rows(connection, _UNANCHORED, {"limit": limit})
    return [(row.id, Head(row.audit_count, bytes(row.audit_mac or b""))) for row in found]


def anchored(connection: Connection, counts: Iterable[tuple[str, int]]) -> None:
    """An anchor holds these users' chains up to there."""
    run_all(connection, _ANCHORED, [{"user": user, "count": count} for user, count in counts])


def linked_of(row: Any) -> Linked:
    """A row of `EVERY_ROW` as a value."""
    made: Sequence[str] = tuple(json.loads(row.made))
    act = Act(
        row.action,
        row.asked_by,
        row.conversation_id,
        row.generation_id,
        row.message_id,
        row.model,
        row.prompt_hash,
        row.output_hash,
        tuple(made),
    )
    return Linked(Entry(row.user_id, row.number, row.at, act), bytes(row.previous), bytes(row.mac))


def tombstone_of(row: Any) -> Tombstone:
    """A row of `EVERY_TOMBSTONE` as a value."""
    return Tombstone(row.who, row.life, row.rows, bytes(row.last or b""), row.at, bytes(row.mac))
