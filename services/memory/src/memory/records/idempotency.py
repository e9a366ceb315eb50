"""What a client's key was answered with."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, select

from memory.records.prepared import row, rows, run
from memory.records.upserts import upsert
from memory.tables import idempotency

_FIND = select(idempotency.c.body_hash, idempotency.c.response).where(
    idempotency.c.user_id == bindparam("user"),
    idempotency.c.route == bindparam("route"),
    idempotency.c.key == bindparam("key"),
    idempotency.c.created_at >= bindparam("since"),
)
_KEEP = upsert(idempotency, ["user_id", "route", "key"], ["body_hash", "response", "created_at"])
_EXPIRED = select(idempotency.c.key).where(idempotency.c.created_at < bindparam("before")).limit(1)
_FORGET = delete(idempotency).where(idempotency.c.created_at < bindparam("before"))


@dataclass(frozen=True, slots=True)
class Key:
    """A client's key: what it was used for, by whom."""

    user: str
    route: str
    key: str


def find(connection: Connection, key: Key, since: int) -> tuple[bytes, bytes] | None:
    """Hash of the request and the response that this key had since then, or None."""
    values = {"user": key.user, "route": key.route, "key": key.key, "since": since}
    found = row(connection, _FIND, values)
    return None if found is None else (found.body_hash, found.response)


def keep(connection: Connection, key: Key, body_hash: bytes, response: bytes, at: int) -> None:
    """Remembers the response; replaces one that has expired."""
    values = {"user_id": key.user, "route": key.route, "key": key.key}
    run(connection, _KEEP, {**values, "body_hash": body_hash, "response": response, "created_at": at})


def any_expired(connection: Connection, before: int) -> bool:
    """Whether there is one to forget."""
    return bool(rows(connection, _EXPIRED, {"before": before}))


def forget(connection: Connection, before: int) -> None:
    """Forgets the keys that were used before then."""
    run(connection, _FORGET, {"before": before})
