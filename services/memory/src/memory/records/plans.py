"""Plans, one for each day that has one."""

import json
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from memory.clock import moment
from memory.records.prepared import AnyRow, row, rows, run, scalar
from memory.records.upserts import upsert
from memory.tables import plans
from shared.contract.person import Plan

_p = plans.c
_OF_USER = select(plans).where(_p.user_id == bindparam("user"))
_ONE = _OF_USER.where(_p.date == bindparam("date"))
_COUNT = select(func.count()).select_from(plans).where(_p.user_id == bindparam("user"))
_CHANGED = _OF_USER.where(_p.changed > bindparam("since")).order_by(_p.changed.desc(), _p.date.desc()).limit(bindparam("limit"))
_KEEP = upsert(plans, ["user_id", "date"], ["value", "changed", "updated_at"])


def _plan(row: AnyRow) -> Plan:
    value: dict[str, Any] = json.loads(row.value)
    return Plan(date=row.date, updated_at=moment(row.updated_at), **value)


def get(connection: Connection, user: str, date: str) -> Plan | None:
    """The plan of this day, if there is one."""
    found = row(connection, _ONE, {"user": user, "date": date})
    return None if found is None else _plan(found)


def count(connection: Connection, user: str) -> int:
    """How many there are."""
    return scalar(connection, _COUNT, {"user": user})


def changed_since(connection: Connection, user: str, since: int, limit: int) -> list[Plan]:
    """Those that changed after this version, the last first."""
    return [_plan(row) for row in rows(connection, _CHANGED, {"user": user, "since": since, "limit": limit})]


def keep(connection: Connection, user: str, plan: Plan, version: int, at: int) -> None:
    """Stores it in place of the one there was."""
    value = json.dumps(plan.model_dump(include={"priorities", "todos", "notes"}))
    run(connection, _KEEP, {"user_id": user, "date": plan.date, "value": value, "changed": version, "updated_at": at})
