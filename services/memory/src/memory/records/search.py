"""What waits to be indexed, and the things themselves as search reads them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, literal, select

from memory.derived import MESSAGE, NOTE, chores, embed_queue, embeddings, search_queue
from memory.packing import whole
from memory.records.prepared import AnyRow, rows, run, run_all, scalar
from memory.records.upserts import insert, upsert
from memory.tables import conversations, messages, notes

BLOCK = 64
"""Rows that one statement reads: it is compiled once, so the number of its parameters is fixed."""

_PLACES = [f"seq{place}" for place in range(BLOCK)]
_IN = [bindparam(place, type_=messages.c.seq.type) for place in _PLACES]

# The newest first: what was just said is found soon, however much waits. Another replica's part is left to it.
_WAITING = select(search_queue).order_by(search_queue.c.seq.desc()).limit(bindparam("limit")).with_for_update(skip_locked=True)
_WAITING_OF = (
    select(search_queue)
    .where(search_queue.c.user_id == bindparam("user"))
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_DONE = delete(search_queue).where(search_queue.c.kind == bindparam("kind"), search_queue.c.seq == bindparam("seq"))
_LAG = select(func.count()).select_from(select(search_queue.c.seq).limit(bindparam("limit")).subquery())
_MESSAGES = (
    select(
        messages.c.seq,
        messages.c.id,
        messages.c.user_id,
        messages.c.conversation_id,
        messages.c.role,
        messages.c.text,
        messages.c.packed,
        messages.c.created_at,
        conversations.c.title,
    )
    .join(conversations, conversations.c.id == messages.c.conversation_id)
    .where(messages.c.seq.in_(_IN), ~conversations.c.temporary)
)
_NOTES = select(notes.c.seq, notes.c.id, notes.c.user_id, notes.c.title, notes.c.text, notes.c.created_at).where(
    notes.c.seq.in_(_IN)
)
_OF_CONVERSATION = messages.c.conversation_id == bindparam("conversation")
# Apart from each other: SQLite looks only one of them up in the index.
_FIRST = select(func.min(messages.c.seq)).where(_OF_CONVERSATION)
_LAST = select(func.max(messages.c.seq)).where(_OF_CONVERSATION)
_NOTE_IDS = select(notes.c.seq, notes.c.id).where(notes.c.user_id == bindparam("user"), notes.c.seq.in_(_IN))
_CHORE = select(chores.c.value).where(chores.c.name == bindparam("name"))
_SET_CHORE = upsert(chores, ["name"], ["value"])
_DROP_EMBEDDING = delete(embeddings).where(
    embeddings.c.user_id == bindparam("user"), embeddings.c.kind == bindparam("kind"), embeddings.c.seq == bindparam("seq")
)
_FORGET_EMBEDDINGS = delete(embeddings).where(embeddings.c.user_id == bindparam("user"))
_ALL_LATER = [
    insert(search_queue)
    .from_select(["kind", "seq", "user_id"], select(literal(kind), table.c.seq, table.c.user_id).where(where))
    .on_conflict_do_update(index_elements=["kind", "seq"], set_={"old": None, "old_packed": None})
    for kind, table, where in (
        (MESSAGE, messages, (messages.c.text != "") | messages.c.packed.is_not(None)),
        (NOTE, notes, notes.c.text != ""),
    )
]
_EMBED = insert(embed_queue).on_conflict_do_nothing(index_elements=["kind", "seq"])


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that has changed since it was indexed. `old` is the text that the index knows it by, if it knows it, and
    `conversation_id` is then its conversation."""

    kind: int
    seq: int
    user: str
    conversation_id: str | None
    old: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """A message or a note, as search sees it."""

    kind: int
    seq: int
    id: str
    user: str
    conversation_id: str | None
    role: str | None
    title: str | None
    text: str
    created_at: int


def waiting(connection: Connection, limit: int) -> list[Entry]:
    """What is to be indexed next."""
    return [_entry(found) for found in rows(connection, _WAITING, {"limit": limit})]


def waiting_of(connection: Connection, user: str, limit: int) -> list[Entry]:
    """The same of one user."""
    return [_entry(found) for found in rows(connection, _WAITING_OF, {"user": user, "limit": limit})]


def _entry(found: AnyRow) -> Entry:
    old = found.old if found.old_packed is None else whole("", bytes(found.old_packed))
    return Entry(found.kind, found.seq, found.user_id, found.conversation_id, old)


def done(connection: Connection, entries: Iterable[Entry]) -> None:
    """They are indexed."""
    run_all(connection, _DONE, [{"kind": entry.kind, "seq": entry.seq} for entry in entries])


def lag(connection: Connection, most: int) -> int:
    """How much waits to be indexed, counted up to `most`."""
    return scalar(connection, _LAG, {"limit": most})


def documents(connection: Connection, kind: int, seqs: Sequence[int]) -> list[Document]:
    """Those that are there, and in no temporary conversation; in no order."""
    statement, make = (_MESSAGES, _of_message) if kind == MESSAGE else (_NOTES, _of_note)
    return [make(found) for found in _in_blocks(connection, statement, seqs, {})]


def _in_blocks(connection: Connection, statement: Any, seqs: Sequence[int], values: dict[str, str]) -> list[AnyRow]:
    found: list[AnyRow] = []
    for start in range(0, len(seqs), BLOCK):
        some = seqs[start : start + BLOCK]
        # What is left of the block asks for its last row again.
        padded = [*some, *[some[-1]] * (BLOCK - len(some))]
        found += rows(connection, statement, {**values, **dict(zip(_PLACES, padded, strict=True))})
    return found


def _of_message(found: AnyRow) -> Document:
    text = whole(found.text, found.packed)
    return Document(
        MESSAGE,
        found.seq,
        found.id,
        found.user_id,
        found.conversation_id,
        found.role,
        found.title,
        text,
        found.created_at,
    )


def _of_note(found: AnyRow) -> Document:
    # The triggers put it together in the same way, when they note what the index knows it by.
    text = found.text if found.title is None else f"{found.title}\n{found.text}"
    return Document(NOTE, found.seq, found.id, found.user_id, None, None, found.title, text, found.created_at)


def span(connection: Connection, conversation_id: str) -> tuple[int, int] | None:
    """The first and the last row of a conversation, or None when it is empty."""
    first, last = (scalar(connection, statement, {"conversation": conversation_id}) for statement in (_FIRST, _LAST))
    return None if first is None else (first, last)


def note_ids(connection: Connection, user: str, seqs: Sequence[int]) -> dict[int, str]:
    """The ids of this user's notes by their rows' numbers."""
    return {found.seq: found.id for found in _in_blocks(connection, _NOTE_IDS, seqs, {"user": user})}


def chore(connection: Connection, name: str) -> str | None:
    """How far a piece of work in the background is."""
    return scalar(connection, _CHORE, {"name": name})


def set_chore(connection: Connection, name: str, value: str) -> None:
    """Remembers how far it is."""
    run(connection, _SET_CHORE, {"name": name, "value": value})


def drop_embeddings(connection: Connection, entries: Iterable[Entry]) -> None:
    """What they meant is not what they mean."""
    run_all(connection, _DROP_EMBEDDING, [{"user": entry.user, "kind": entry.kind, "seq": entry.seq} for entry in entries])


def forget_embeddings(connection: Connection, user: str) -> None:
    """None of this user is left."""
    run(connection, _FORGET_EMBEDDINGS, {"user": user})


def all_later(connection: Connection) -> None:
    """Everything is to be indexed."""
    for later in _ALL_LATER:
        connection.execute(later)


def embed_later(connection: Connection, entries: Iterable[Entry]) -> None:
    """Their embeddings are to be made."""
    run_all(connection, _EMBED, [{"kind": entry.kind, "seq": entry.seq} for entry in entries])
