"""The append-only log of events, and the outbox of what has not reached NATS yet."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from memory.outbox import Letter
from memory.records.prepared import rows, run, run_all
from memory.tables import events, outbox, removed
from shared.contract.subjects import StateKind, Subject

_KEEP_EVENT = insert(events)
_KEEP_REMOVED = insert(removed)
_KEEP_LETTER = insert(outbox)
_FORGET_CONVERSATION = delete(events).where(
    events.c.user_id == bindparam("user"), events.c.conversation_id == bindparam("conversation")
)
_UNSENT = (
    select(outbox)
    .where(outbox.c.seq > bindparam("after"), outbox.c.poison.is_(None))
    .order_by(outbox.c.seq)
    .limit(bindparam("limit"))
)
_SENT = delete(outbox).where(outbox.c.id == bindparam("letter"))
_POISON = update(outbox).where(outbox.c.id == bindparam("letter")).values(poison=bindparam("reason"))


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


def keep_events(connection: Connection, logged: Sequence[Logged], at: int) -> None:
    """Appends to the log."""
    run_all(connection, _KEEP_EVENT, [_logged_row(event, at) for event in logged])


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
    """Puts letters into the outbox."""
    run_all(connection, _KEEP_LETTER, [_row(letter) for letter in letters])


def _row(letter: Letter) -> dict[str, object]:
    return {
        "id": letter.id,
        "user_id": letter.user,
        "version": letter.version,
        "kind": letter.kind,
        "subject": letter.subject,
        "type": letter.type,
        "data": letter.data,
    }


def unsent(connection: Connection, after: int, limit: int) -> tuple[list[Letter], int]:
    """Letters in the order they were written, from row `after` on, and the last row's number."""
    found = rows(connection, _UNSENT, {"after": after, "limit": limit})
    letters = [Letter(r.id, r.user_id, r.version, r.kind, Subject(r.subject), r.type, r.data) for r in found]
    return letters, found[-1].seq if found else after


def forget_letters(connection: Connection, ids: Iterable[str]) -> None:
    """They have been stored by NATS."""
    run_all(connection, _SENT, [{"letter": letter_id} for letter_id in ids])


def set_aside(connection: Connection, letter_id: str, reason: str) -> None:
    """This one will never be taken; it stays to be looked at."""
    run(connection, _POISON, {"letter": letter_id, "reason": reason})
