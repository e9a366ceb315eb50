"""Preferences: one JSON object for each user."""

import json
from typing import Any

from sqlalchemy import Connection, bindparam, select

from memory.records.prepared import row, run
from memory.records.upserts import upsert
from memory.tables import preferences

_p = preferences.c
_ONE = select(_p.value, _p.changed).where(_p.user_id == bindparam("user"))
_KEEP = upsert(preferences, ["user_id"], ["value", "changed", "updated_at"])


def of(connection: Connection, user: str) -> dict[str, Any]:
    """All of this user's; empty when none was ever set."""
    found = row(connection, _ONE, {"user": user})
    return {} if found is None else json.loads(found.value)


def changed_since(connection: Connection, user: str, since: int) -> dict[str, Any] | None:
    """All of them, if one changed after this version."""
    found = row(connection, _ONE, {"user": user})
    return None if found is None or found.changed <= since else json.loads(found.value)


def keep(connection: Connection, user: str, value: str, version: int, at: int) -> None:
    """Stores them all, as JSON."""
    run(connection, _KEEP, {"user_id": user, "value": value, "changed": version, "updated_at": at})
