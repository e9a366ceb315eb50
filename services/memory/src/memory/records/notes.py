"""Notes and snippets, the newest first."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from memory.clock import micros, moment
from memory.note import excerpt
from memory.records.prepared import AnyRow, row, rows, run, scalar
from memory.tables import notes
from shared.contract.person import Note, NoteKind
from shared.errors import UnknownNote

_n = notes.c
_WHOLE = select(notes).where(_n.user_id == bindparam("user"))
# The beginning of a long text has its own column: reading the whole would take long, and SQLite's substr ends at U+0000.
_CUT = select(
    _n.id,
    _n.title,
    func.coalesce(_n.excerpt, _n.text).label("text"),
    _n.kind,
    _n.tags,
    _n.size,
    _n.generation_id,
    _n.created_at,
    _n.updated_at,
).where(_n.user_id == bindparam("user"))
_ONE = _WHOLE.where(_n.id == bindparam("note"))
_COUNT = select(func.count()).select_from(notes).where(_n.user_id == bindparam("user"))
_CHANGED = _CUT.where(_n.changed > bindparam("since")).order_by(_n.changed.desc(), _n.id.desc()).limit(bindparam("limit"))
_INSERT = insert(notes)
_CHANGE = (
    update(notes)
    .where(_n.id == bindparam("note"))
    .values(
        title=bindparam("new_title"),
        excerpt=bindparam("new_excerpt"),
        text=bindparam("new_text"),
        tags=bindparam("new_tags"),
        size=bindparam("new_size"),
        changed=bindparam("version"),
        updated_at=bindparam("at"),
    )
)
_DELETE = delete(notes).where(_n.id == bindparam("note"))


def _page(*, kind: bool, after: bool) -> Any:
    page = _CUT.where(_n.kind == bindparam("kind")) if kind else _CUT
    page = page.where(_n.id < bindparam("after")) if after else page
    return page.order_by(_n.id.desc()).limit(bindparam("limit"))


_PAGES = {(kind, after): _page(kind=kind, after=after) for kind in (False, True) for after in (False, True)}


def _note(row: AnyRow) -> Note:
    return Note(
        id=row.id,
        title=row.title,
        text=row.text,
        kind=row.kind,
        tags=json.loads(row.tags),
        size=row.size,
        truncated=len(row.text.encode()) < row.size,
        generation_id=row.generation_id,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


def get(connection: Connection, user: str, note_id: str) -> Note:
    """The note with its whole text, if it is this user's. Raises UnknownNote: what is others' does not exist."""
    found = row(connection, _ONE, {"user": user, "note": note_id})
    if found is None:
        raise UnknownNote
    return _note(found)


def get_many(connection: Connection, user: str, ids: Sequence[str]) -> list[Note]:
    """Those of these ids that are this user's notes, with their whole texts, in this order."""
    found = (row(connection, _ONE, {"user": user, "note": note_id}) for note_id in dict.fromkeys(ids))
    return [_note(one) for one in found if one is not None]


def count(connection: Connection, user: str) -> int:
    """How many there are."""
    return scalar(connection, _COUNT, {"user": user})


def page(connection: Connection, user: str, kind: NoteKind | None, after: str | None, limit: int) -> list[Note]:
    """Those of this kind, or all, the newest first, after the one with the id `after`; long texts cut."""
    statement = _PAGES[kind is not None, after is not None]
    return [_note(row) for row in rows(connection, statement, {"user": user, "kind": kind, "after": after, "limit": limit})]


def changed_since(connection: Connection, user: str, since: int, limit: int) -> list[Note]:
    """Those that changed after this version, the last first; long texts cut."""
    return [_note(row) for row in rows(connection, _CHANGED, {"user": user, "since": since, "limit": limit})]


def keep(connection: Connection, user: str, note: Note, version: int) -> None:
    """Stores a new one."""
    run(
        connection,
        _INSERT,
        {
            "id": note.id,
            "user_id": user,
            "title": note.title,
            "excerpt": excerpt(note.text),
            "text": note.text,
            "kind": note.kind,
            "tags": json.dumps(note.tags),
            "size": note.size,
            "generation_id": note.generation_id,
            "changed": version,
            "created_at": micros(note.created_at),
            "updated_at": micros(note.updated_at),
        },
    )


def change(connection: Connection, note: Note, version: int) -> None:
    """Stores what can be changed of it."""
    run(
        connection,
        _CHANGE,
        {
            "note": note.id,
            "new_title": note.title,
            "new_excerpt": excerpt(note.text),
            "new_text": note.text,
            "new_tags": json.dumps(note.tags),
            "new_size": note.size,
            "version": version,
            "at": micros(note.updated_at),
        },
    )


def drop(connection: Connection, note_id: str) -> None:
    """Deletes it."""
    run(connection, _DELETE, {"note": note_id})
