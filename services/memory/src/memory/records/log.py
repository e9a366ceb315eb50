"""The append-only log of events, and the outbox of what has not reached NATS yet."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from memory.machinery import outbox
from memory.outbox import Letter
from memory.records.prepared import AnyRow, rows, run, run_all, scalar
from memory.tables import events, removed
from shared.contract.subjects import StateKind, Subject

_KEEP_EVENT = insert(events)
_KEEP_REMOVED = insert(removed)
_KEEP_LETTER = insert(outbox)
_FORGET_CONVERSATION = delete(events).where(
    events.c.user_id == bindparam("user"), events.c.conversation_id == bindparam("conversation")
)
_UNSENT = (
    select(outbox)
    .where(outbox.c.seq > bindparam("after"), outbox.c.seq <= bindparam("until"), outbox.c.poison.is_(None))
    .order_by(outbox.c.seq)
    .limit(bindparam("limit"))
)
_OTHERS = (
    select(outbox)
    .where(
        outbox.c.user_id == bindparam("user"),
        outbox.c.version > bindparam("after"),
        outbox.c.writer != bindparam("writer"),
        outbox.c.poison.is_(None),
    )
    .order_by(outbox.c.seq)
)
_NEWEST = select(func.max(outbox.c.seq))
_MOMENT = (
    select(events.c.version, events.c.at)
    .where(events.c.user_id == bindparam("user"), events.c.version >= bindparam("version"))
    .order_by(events.c.version, events.c.position)
    .limit(1)
)
_REMOVED = (
    select(removed.c.kind, removed.c.object_id)
    .where(removed.c.user_id == bindparam("user"), removed.c.version > bindparam("since"))
    .limit(bindparam("limit"))
)
_SENT = delete(outbox).where(outbox.c.id == bindparam("letter"))
_POISON = update(outbox).where(outbox.c.id == bindparam("letter")).values(poison=bindparam("reason"))

NEWEST = 1 << 62
"""A row number that nobody reaches."""


@dataclass(frozen=True, slots=True)
class Logged:
    """An event as it is kept."""

    user_id: str
    version: int
    position: int
    conversation_id: str | None
    type: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Gone:
    """An object that is no more, and the version that it was removed in."""

    user_id: str
    version: int
    kind: StateKind
    object_id: str
    at: int


def keep_events(connection: Connection, logged: Sequence[Logged], moments: Mapping[str, int]) -> None:
    """Appends to the log. `moments` are those of each user's version."""
    run_all(connection, _KEEP_EVENT, [_logged_row(event, moments[event.user_id]) for event in logged])


def moment_of(connection: Connection, user: str, version: int) -> tuple[int, int] | None:
    """The first version from this one on that the log has, and its moment."""
    found = rows(connection, _MOMENT, {"user": user, "version": version})
    return (found[0].version, found[0].at) if found else None


def removed_since(connection: Connection, user: str, since: int, limit: int) -> list[tuple[StateKind, str]]:
    """What was removed after this version: kind and id."""
    return [(row.kind, row.object_id) for row in rows(connection, _REMOVED, {"user": user, "since": since, "limit": limit})]


def keep_removed(connection: Connection, gone: Sequence[Gone]) -> None:
    """Remembers what is gone."""
    run_all(connection, _KEEP_REMOVED, [asdict(one) for one in gone])


def _logged_row(event: Logged, at: int) -> dict[str, object]:
    return {
        "user_id": event.user_id,
        "version": event.version,
        "position": event.position,
        "conversation_id": event.conversation_id,
        "type": event.type,
        "payload": event.payload,
        "at": at,
    }


def forget_conversation(connection: Connection, user: str, conversation_id: str) -> None:
    """Takes what was said in a conversation out of the log."""
    run(connection, _FORGET_CONVERSATION, {"user": user, "conversation": conversation_id})


def keep_letters(connection: Connection, letters: Sequence[Letter]) -> None:
    """Puts letters into the outbox, as those of this connection."""
    writer = writer_of(connection)
    run_all(connection, _KEEP_LETTER, [_row(letter, writer) for letter in letters])


def writer_of(connection: Connection) -> str:
    """What tells this connection from all others that write; empty where no other process does."""
    return connection.info.get("writer", "")


def _row(letter: Letter, writer: str) -> dict[str, object]:
    return {
        "id": letter.id,
        "user_id": letter.user,
        "version": letter.version,
        "kind": letter.kind,
        "subject": letter.subject,
        "type": letter.type,
        "data": letter.data,
        "writer": writer,
    }


def unsent(connection: Connection, after: int, limit: int, until: int = NEWEST) -> tuple[list[Letter], int]:
    """Letters in the order they were written (each user's), from row `after` up to row `until`, and the last one's number."""
    found = rows(connection, _UNSENT, {"after": after, "limit": limit, "until": until})
    return [_letter(row) for row in found], found[-1].seq if found else after


def _letter(row: AnyRow) -> Letter:
    return Letter(row.id, row.user_id, row.version, row.kind, Subject(row.subject), row.type, row.data)


def unsent_of_others(connection: Connection, user: str, after: int) -> list[Letter]:
    """This user's letters above version `after` that other connections have written and nobody has confirmed yet."""
    found = rows(connection, _OTHERS, {"user": user, "after": after, "writer": writer_of(connection)})
    return [_letter(row) for row in found]


def newest_letter(connection: Connection) -> int:
    """The number of the newest row in the outbox, or 0."""
    return scalar(connection, _NEWEST, {}) or 0


def forget_letters(connection: Connection, ids: Iterable[str]) -> None:
    """They have been stored by NATS."""
    run_all(connection, _SENT, [{"letter": letter_id} for letter_id in ids])


def set_aside(connection: Connection, letter_id: str, reason: str) -> None:
    """This one will never be taken; it stays to be looked at."""
    run(connection, _POISON, {"letter": letter_id, "reason": reason})
