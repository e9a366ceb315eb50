"""Conversations without their messages."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, union, update

from memory.clock import micros, moment
from memory.records.prepared import AnyRow, row, rows, run
from memory.tables import IS_OPEN, IS_TEMPORARY, conversations, generations, messages
from shared.contract.objects import Conversation
from shared.errors import UnknownConversation

_RUNNING = (
    select(generations.c.id)
    .where(generations.c.conversation_id == conversations.c.id, IS_OPEN, generations.c.epoch > 0)
    .limit(1)
    .scalar_subquery()
    .label("running_generation_id")
)
_COLUMNS = select(conversations, _RUNNING)
_ONE = _COLUMNS.where(conversations.c.id == bindparam("conversation"), conversations.c.user_id == bindparam("user"))
_PAGE = (
    _COLUMNS.where(
        conversations.c.user_id == bindparam("user"), ~conversations.c.temporary, conversations.c.changed < bindparam("before")
    )
    # Several changed in one transaction share a version: their ids make the order whole.
    .order_by(conversations.c.changed.desc(), conversations.c.id.desc())
    .limit(bindparam("limit"))
)
_AT = _COLUMNS.where(
    conversations.c.user_id == bindparam("user"),
    ~conversations.c.temporary,
    conversations.c.changed == bindparam("changed"),
    conversations.c.id < bindparam("id"),
).order_by(conversations.c.id.desc())
_ALL = select(conversations.c.id).where(conversations.c.user_id == bindparam("user")).limit(bindparam("limit"))
# Which answer is running is not written into the conversation: what is open may look different at any time, and has when it
# ended, which its message tells.
_TOUCHED = union(
    select(conversations.c.id).where(
        conversations.c.user_id == bindparam("user"), conversations.c.changed > bindparam("since")
    ),
    select(messages.c.conversation_id).where(messages.c.user_id == bindparam("user"), messages.c.changed > bindparam("since")),
    select(generations.c.conversation_id).where(generations.c.user_id == bindparam("user"), IS_OPEN),
)
_CHANGED = (
    _COLUMNS.where(conversations.c.id.in_(_TOUCHED), ~conversations.c.temporary)
    .order_by(conversations.c.changed.desc(), conversations.c.id.desc())
    .limit(bindparam("limit"))
)
_INSERT = insert(conversations)
_MOVE = (
    update(conversations)
    .where(conversations.c.id == bindparam("conversation"))
    .values(head_id=bindparam("head"), changed=bindparam("version"), updated_at=bindparam("at"))
)
_CHANGE = (
    update(conversations)
    .where(conversations.c.id == bindparam("conversation"))
    .values(
        title=bindparam("title"),
        persona=bindparam("persona"),
        temporary=bindparam("temporary"),
        head_id=bindparam("head"),
        changed=bindparam("version"),
        updated_at=bindparam("at"),
    )
)
_DELETE = delete(conversations).where(conversations.c.id == bindparam("conversation"))
_FORGOTTEN = (
    select(conversations.c.id, conversations.c.user_id)
    .where(
        IS_TEMPORARY,
        conversations.c.updated_at < bindparam("before"),
        ~select(generations.c.id).where(generations.c.conversation_id == conversations.c.id, IS_OPEN).exists(),
    )
    .limit(bindparam("limit"))
)
NEWEST = 1 << 62
"""A version that nobody reaches: lists begin before it."""


def _conversation(row: AnyRow) -> Conversation:
    return Conversation(
        id=row.id,
        title=row.title,
        persona=row.persona,
        temporary=row.temporary,
        head_id=row.head_id,
        running_generation_id=row.running_generation_id,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


def get(connection: Connection, user: str, conversation_id: str) -> Conversation:
    """The conversation, if it is this user's. Raises UnknownConversation: what is others' does not exist."""
    found = row(connection, _ONE, {"user": user, "conversation": conversation_id})
    if found is None:
        raise UnknownConversation
    return _conversation(found)


def exists(connection: Connection, user: str, conversation_id: str) -> bool:
    """Whether this user has it."""
    return row(connection, _ONE, {"user": user, "conversation": conversation_id}) is not None


def page(connection: Connection, user: str, after: tuple[int, str] | None, limit: int) -> list[tuple[Conversation, int]]:
    """Conversations, the last changed first, each with the version of its change; those after `(version, id)`."""
    found: list[AnyRow] = []
    if after is not None:
        found += rows(connection, _AT, {"user": user, "changed": after[0], "id": after[1]})[:limit]
    before = after[0] if after is not None else NEWEST
    found += rows(connection, _PAGE, {"user": user, "before": before, "limit": limit - len(found)})
    return [(_conversation(row), row.changed) for row in found]


def changed_since(connection: Connection, user: str, since: int, limit: int) -> list[Conversation]:
    """Those that changed after this version or still may, the last changed first."""
    return [_conversation(row) for row in rows(connection, _CHANGED, {"user": user, "since": since, "limit": limit})]


def ids(connection: Connection, user: str, limit: int) -> Sequence[str]:
    """Some of this user's conversations, temporary ones too."""
    return [row.id for row in rows(connection, _ALL, {"user": user, "limit": limit})]


def keep(connection: Connection, user: str, conversation: Conversation, version: int) -> None:
    """Stores a new one."""
    row = conversation.model_dump(exclude={"running_generation_id", "created_at", "updated_at"})
    at = micros(conversation.created_at)
    run(connection, _INSERT, {**row, "user_id": user, "changed": version, "created_at": at, "updated_at": at})


def move_head(connection: Connection, conversation_id: str, head_id: str, version: int, at: int) -> None:
    """Shows the branch that ends in this message."""
    run(connection, _MOVE, {"conversation": conversation_id, "head": head_id, "version": version, "at": at})


def change(connection: Connection, conversation: Conversation, version: int) -> None:
    """Stores what can be changed of it."""
    run(
        connection,
        _CHANGE,
        {
            "conversation": conversation.id,
            "title": conversation.title,
            "persona": conversation.persona,
            "temporary": conversation.temporary,
            "head": conversation.head_id,
            "version": version,
            "at": micros(conversation.updated_at),
        },
    )


def drop(connection: Connection, conversation_id: str) -> None:
    """Deletes it with its messages and generations."""
    run(connection, _DELETE, {"conversation": conversation_id})


def forgotten(connection: Connection, before: int, limit: int) -> list[tuple[str, str]]:
    """Temporary conversations that nothing happened in since `before`: their ids and users."""
    return [(row.id, row.user_id) for row in rows(connection, _FORGOTTEN, {"before": before, "limit": limit})]
