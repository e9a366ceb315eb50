"""Titles and summaries of conversations, as they stand and as they are kept."""

from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from memory.digest import Standing
from memory.message import Remembered
from memory.records.prepared import row, rows, run, scalar
from memory.tables import conversations, generations, messages

_c = conversations.c
_ONE = select(
    _c.user_id,
    _c.temporary,
    _c.head_id,
    _c.title,
    _c.title_by,
    _c.title_ordered,
    _c.summary,
    _c.summary_until,
    _c.summary_ordered,
).where(_c.id == bindparam("conversation"))


def _set(**values: Any) -> Any:
    return update(conversations).where(_c.id == bindparam("conversation")).values(**values)


_TITLE_ORDERED = _set(title_ordered=bindparam("at"))
_SUMMARY_ORDERED = _set(summary_ordered=bindparam("at"))
_NAMED = _set(title_by=bindparam("by"), title_ordered=None)
_SUMMARY = _set(summary=bindparam("new_summary"), summary_until=bindparam("until"), summary_ordered=None)
_FIRST = (
    select(messages.c.id, messages.c.role, messages.c.text, messages.c.status)
    .where(messages.c.conversation_id == bindparam("conversation"))
    .order_by(messages.c.seq)
    .limit(bindparam("limit"))
)
_MODEL = (
    select(generations.c.model)
    .where(generations.c.conversation_id == bindparam("conversation"))
    .order_by(generations.c.seq.desc())
    .limit(1)
)


def standing(connection: Connection, conversation_id: str) -> Standing | None:
    """How the conversation stands, or None when it is gone."""
    found = row(connection, _ONE, {"conversation": conversation_id})
    if found is None:
        return None
    return Standing(
        found.user_id,
        bool(found.temporary),
        found.head_id,
        found.title,
        found.title_by,
        found.title_ordered,
        found.summary,
        found.summary_until,
        found.summary_ordered,
    )


def title_ordered(connection: Connection, conversation_id: str, at: int) -> None:
    """A title is under way."""
    run(connection, _TITLE_ORDERED, {"conversation": conversation_id, "at": at})


def summary_ordered(connection: Connection, conversation_id: str, at: int | None) -> None:
    """A summary is under way; None: it is not any more."""
    run(connection, _SUMMARY_ORDERED, {"conversation": conversation_id, "at": at})


def named(connection: Connection, conversation_id: str, by: str) -> None:
    """Who made the title it has."""
    run(connection, _NAMED, {"conversation": conversation_id, "by": by})


def keep_summary(connection: Connection, conversation_id: str, summary: str, until: str) -> None:
    """What was said up to that message, in short."""
    run(connection, _SUMMARY, {"conversation": conversation_id, "new_summary": summary, "until": until})


def first(connection: Connection, conversation_id: str, limit: int) -> list[Remembered]:
    """The first messages, in the order they were written."""
    found = rows(connection, _FIRST, {"conversation": conversation_id, "limit": limit})
    return [Remembered(one.role, one.text, one.status, (), one.id) for one in found]


def model(connection: Connection, conversation_id: str) -> str | None:
    """Which model was asked for last."""
    return scalar(connection, _MODEL, {"conversation": conversation_id})
