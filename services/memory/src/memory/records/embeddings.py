"""Vectors of what was said and noted, and what waits for one."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, select

from memory.derived import MESSAGE, NOTE, embed_queue, embeddings
from memory.ports import Vector, Vectors
from memory.records import search
from memory.records.prepared import rows, run, run_all
from memory.records.search import Document
from memory.records.upserts import insert, upsert
from memory.tables import conversations, messages, notes

_q, _e = embed_queue.c, embeddings.c
_WAITING = select(_q.kind, _q.seq).order_by(_q.seq.desc()).limit(bindparam("limit"))
_DONE = delete(embed_queue).where(_q.kind == bindparam("kind"), _q.seq == bindparam("seq"))
_AGAIN = insert(embed_queue).on_conflict_do_nothing(index_elements=["kind", "seq"])
_KEEP = upsert(embeddings, ["user_id", "kind", "seq"], ["vector"])
_OF_USER = (
    select(_e.kind, _e.seq, _e.vector).where(_e.user_id == bindparam("user")).order_by(_e.seq.desc()).limit(bindparam("limit"))
)
_ALL = delete(embeddings)
_NOTHING_WAITS = delete(embed_queue)
_MESSAGES = (
    select(bindparam("kind", MESSAGE, type_=_q.kind.type), messages.c.seq)
    .join(conversations, conversations.c.id == messages.c.conversation_id)
    .where((messages.c.text != "") | messages.c.packed.is_not(None), ~conversations.c.temporary)
)
_NOTES = select(bindparam("kind", NOTE, type_=_q.kind.type), notes.c.seq)
_LATER = [insert(embed_queue).from_select(["kind", "seq"], found) for found in (_MESSAGES, _NOTES)]

Key = tuple[int, int]
"""A kind and a row's number."""


def waiting(connection: Connection, limit: int) -> tuple[list[Key], list[Document]]:
    """What waits for a vector, the newest first, and those of it that are there."""
    keys = [(found.kind, found.seq) for found in rows(connection, _WAITING, {"limit": limit})]
    there = [
        document
        for kind in (MESSAGE, NOTE)
        for document in search.documents(connection, kind, [seq for at, seq in keys if at == kind])
    ]
    return keys, there


def keep(connection: Connection, keys: Sequence[Key], vectors: Sequence[tuple[Document, bytes]], index: Vectors | None) -> None:
    """These wait no more: stores the vectors of those that still say what they said. Others wait again.

    They are taken off the list before they are looked at: what changes after that puts itself on it again.
    """
    run_all(connection, _DONE, [_key(key) for key in keys])
    now = {
        (document.kind, document.seq): document.text
        for kind in (MESSAGE, NOTE)
        for document in search.documents(connection, kind, [one.seq for one, _ in vectors if one.kind == kind])
    }
    same = [(one, vector) for one, vector in vectors if now.get((one.kind, one.seq)) == one.text]
    run_all(
        connection, _KEEP, [{"user_id": one.user, "kind": one.kind, "seq": one.seq, "vector": vector} for one, vector in same]
    )
    if index is not None:
        index.put(connection, [Vector(one.user, one.kind, one.seq, vector) for one, vector in same])
    done = {(one.kind, one.seq) for one, _ in same}
    changed = [(one.kind, one.seq) for one, _ in vectors if (one.kind, one.seq) in now.keys() - done]
    run_all(connection, _AGAIN, [_key(key) for key in changed])


def _key(key: Key) -> dict[str, int]:
    return {"kind": key[0], "seq": key[1]}


def of_user(connection: Connection, user: str, limit: int) -> tuple[list[Key], list[bytes]]:
    """The newest vectors of a user."""
    found = rows(connection, _OF_USER, {"user": user, "limit": limit})
    return [(one.kind, one.seq) for one in found], [bytes(one.vector) for one in found]


def begin_anew(connection: Connection, chore: str, model: str) -> None:
    """Vectors of another model say nothing: everything waits for one of this."""
    search.set_chore(connection, chore, model)
    run(connection, _ALL, {})
    run(connection, _NOTHING_WAITS, {})
    for later in _LATER:
        connection.execute(later)
