"""Tasks, the newest first."""

import json
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update

from memory.clock import micros, moment
from memory.records.prepared import AnyRow, row, rows, run, scalar
from memory.tables import IS_DUE, tasks
from shared.contract.person import Task, TaskStatus
from shared.errors import UnknownTask

_t = tasks.c
_OF_USER = select(tasks).where(_t.user_id == bindparam("user"))
_ONE = _OF_USER.where(_t.id == bindparam("task"))
_OPEN = select(func.count()).select_from(tasks).where(_t.user_id == bindparam("user"), IS_DUE)
_CHANGED = _OF_USER.where(_t.changed > bindparam("since")).order_by(_t.changed.desc(), _t.id.desc()).limit(bindparam("limit"))
_WITH_STATUS = (
    _OF_USER.where(_t.status == bindparam("status")).order_by(_t.changed.desc(), _t.id.desc()).limit(bindparam("limit"))
)
_INSERT = insert(tasks)
_CHANGE = (
    update(tasks)
    .where(_t.id == bindparam("task"))
    .values(
        title=bindparam("new_title"),
        status=bindparam("new_status"),
        due=bindparam("new_due"),
        tags=bindparam("new_tags"),
        assignee=bindparam("new_assignee"),
        changed=bindparam("version"),
        updated_at=bindparam("at"),
        completed_at=bindparam("done_at"),
    )
)
_DELETE = delete(tasks).where(_t.id == bindparam("task"))


def _page(*, status: bool, after: bool) -> Select[Any]:
    """A page by id, which is by age; ids don't change, so nothing moves between two pages."""
    page = _OF_USER.where(_t.status == bindparam("status")) if status else _OF_USER
    page = page.where(_t.id < bindparam("after")) if after else page
    return page.order_by(_t.id.desc()).limit(bindparam("limit"))


_PAGES = {(status, after): _page(status=status, after=after) for status in (False, True) for after in (False, True)}


def _task(row: AnyRow) -> Task:
    return Task(
        id=row.id,
        title=row.title,
        status=row.status,
        due=row.due,
        tags=json.loads(row.tags),
        assignee=row.assignee,
        generation_id=row.generation_id,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
        completed_at=None if row.completed_at is None else moment(row.completed_at),
    )


def get(connection: Connection, user: str, task_id: str) -> Task:
    """The task, if it is this user's. Raises UnknownTask: what is others' does not exist."""
    found = row(connection, _ONE, {"user": user, "task": task_id})
    if found is None:
        raise UnknownTask
    return _task(found)


def open_count(connection: Connection, user: str) -> int:
    """How many are open."""
    return scalar(connection, _OPEN, {"user": user})


def page(connection: Connection, user: str, status: TaskStatus | None, after: str | None, limit: int) -> list[Task]:
    """Those of this status, or all, the newest first, after the one with the id `after`."""
    statement = _PAGES[status is not None, after is not None]
    found = rows(connection, statement, {"user": user, "status": status, "after": after, "limit": limit})
    return [_task(row) for row in found]


def with_status(connection: Connection, user: str, status: TaskStatus, limit: int) -> list[Task]:
    """Those of this status, the last changed first."""
    return [_task(row) for row in rows(connection, _WITH_STATUS, {"user": user, "status": status, "limit": limit})]


def changed_since(connection: Connection, user: str, since: int, limit: int) -> list[Task]:
    """Those that changed after this version, the last first."""
    return [_task(row) for row in rows(connection, _CHANGED, {"user": user, "since": since, "limit": limit})]


def keep(connection: Connection, user: str, task: Task, version: int) -> None:
    """Stores a new one."""
    run(
        connection,
        _INSERT,
        {
            "id": task.id,
            "user_id": user,
            "title": task.title,
            "status": task.status,
            "due": task.due,
            "tags": json.dumps(task.tags),
            "assignee": task.assignee,
            "generation_id": task.generation_id,
            "changed": version,
            "created_at": micros(task.created_at),
            "updated_at": micros(task.updated_at),
            "completed_at": None,
        },
    )


def change(connection: Connection, task: Task, version: int) -> None:
    """Stores what can be changed of it."""
    run(
        connection,
        _CHANGE,
        {
            "task": task.id,
            "new_title": task.title,
            "new_status": task.status,
            "new_due": task.due,
            "new_tags": json.dumps(task.tags),
            "new_assignee": task.assignee,
            "version": version,
            "at": micros(task.updated_at),
            "done_at": None if task.completed_at is None else micros(task.completed_at),
        },
    )


def drop(connection: Connection, task_id: str) -> None:
    """Deletes it."""
    run(connection, _DELETE, {"task": task_id})
