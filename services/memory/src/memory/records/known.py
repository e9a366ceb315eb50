"""What is known of a person for an answer: read on the way to the first token, so in as few statements as can be."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, exists, select

from memory.context import Fact, Snippet
from memory.records.prepared import row, rows
from memory.tables import conversations, memories, messages, notes, preferences
from shared.errors import UnknownNote

_ABOUT = (
    select(
        conversations.c.temporary,
        conversations.c.summary,
        conversations.c.summary_until,
        messages.c.context_ids,
        preferences.c.value.label("preferences"),
        exists().where(notes.c.user_id == conversations.c.user_id).label("notes"),
    )
    .select_from(
        conversations.join(messages, messages.c.conversation_id == conversations.c.id).outerjoin(
            preferences, preferences.c.user_id == conversations.c.user_id
        )
    )
    .where(messages.c.id == bindparam("message"))
)
_PINNED = (
    select(memories.c.type, memories.c.key, memories.c.value)
    .where(memories.c.user_id == bindparam("user"))
    .order_by(memories.c.updated_at.desc())
    .limit(bindparam("limit"))
)
_NOTE = select(notes.c.title, notes.c.text).where(notes.c.id == bindparam("note"), notes.c.user_id == bindparam("user"))
_THERE = select(notes.c.id).where(notes.c.id == bindparam("note"), notes.c.user_id == bindparam("user"))


@dataclass(frozen=True, slots=True)
class About:
    """What a conversation and its person bring to every answer."""

    temporary: bool
    summary: str | None
    summary_until: str | None
    context_ids: Sequence[str]
    preferences: dict[str, Any]
    notes: bool = False
    """Whether there are any, which is cheaper to know than to look for each word of a question in none."""


def about(connection: Connection, message_id: str) -> About:
    """Of the message that is answered."""
    found = row(connection, _ABOUT, {"message": message_id})
    if found is None:
        return About(True, None, None, (), {})
    return About(
        bool(found.temporary),
        found.summary,
        found.summary_until,
        json.loads(found.context_ids) if found.context_ids else (),
        json.loads(found.preferences) if found.preferences else {},
        bool(found.notes),
    )


def pinned(connection: Connection, user: str, limit: int) -> list[Fact]:
    """This user's pinned memories, the last changed first."""
    return [Fact(one.type, one.key, one.value) for one in rows(connection, _PINNED, {"user": user, "limit": limit})]


def snippets(connection: Connection, user: str, ids: Sequence[str]) -> list[Snippet]:
    """These notes, in this order; those that are gone are left out."""
    found = [row(connection, _NOTE, {"user": user, "note": note}) for note in ids]
    return [Snippet(one.title, one.text) for one in found if one is not None]


def check_notes(connection: Connection, user: str, ids: Sequence[str]) -> None:
    """Raises UnknownNote unless all are this user's: what is others' does not exist (S4)."""
    if any(row(connection, _THERE, {"user": user, "note": note}) is None for note in ids):
        raise UnknownNote
