"""Messages, which form a tree in each conversation."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Select, bindparam, case, func, insert, literal, select, union, update

from memory.calling import calls_of
from memory.clock import micros, moment
from memory.message import Filling, Remembered, shown
from memory.packing import whole
from memory.records.prepared import AnyRow, row, rows, run, run_all, scalar
from memory.tables import IS_OPEN, conversations, generations, messages
from shared.contract.base import Message
from shared.contract.objects import Attachment, ChatMessage, Problem, Usage
from shared.contract.person import DoneAction
from shared.errors import UnknownMessage

_ATTACHMENTS = TypeAdapter(list[Attachment])
_ACTIONS = TypeAdapter(tuple[DoneAction, ...])

# A message whose answer a worker has begun is shown as streaming; that is not stored, so claiming writes one row less.
_STATUS = case(((messages.c.status == "pending") & (generations.c.epoch > 0), "streaming"), else_=messages.c.status).label(
    "shown_status"
)
_SHOWN = select(messages, _STATUS).select_from(messages.outerjoin(generations, generations.c.id == messages.c.generation_id))


_m = messages.c
# An archived text is about twice what it is packed.
_SIZE = (
    func.length(_m.text)
    + 2 * func.coalesce(func.length(_m.packed), 0)
    + func.coalesce(func.length(_m.attachments), 0)
    + func.coalesce(func.length(_m.tool_calls), 0)
)


def _branch() -> Any:
    """The messages from `head` up to the root, with their distance from it, at most `limit` of them."""
    head = select(_m.id, _m.parent_id, literal(1).label("depth")).where(_m.id == bindparam("head"))
    walk = head.cte("branch", recursive=True)
    return walk.union_all(
        select(_m.id, _m.parent_id, walk.c.depth + 1).where(_m.id == walk.c.parent_id, walk.c.depth < bindparam("limit"))
    )


def _near_branch() -> Any:
    """The same, no further than `room` characters go: a model's prompt takes no more, and reading is on the way to it."""
    carried = (
        *(_m.id, _m.parent_id, _m.role, _m.text, _m.packed, _m.status, _m.attachments),
        *(_m.tool_calls, _m.tool_call_id, _m.name),
    )
    head = select(*carried, literal(1).label("depth"), _SIZE.label("used")).where(_m.id == bindparam("head"))
    walk = head.cte("near", recursive=True)
    return walk.union_all(
        select(*carried, walk.c.depth + 1, walk.c.used + _SIZE).where(
            _m.id == walk.c.parent_id, walk.c.depth < bindparam("limit"), walk.c.used < bindparam("room")
        )
    )


_WALK, _NEAR = _branch(), _near_branch()
_BRANCH = _SHOWN.join(_WALK, _WALK.c.id == messages.c.id).order_by(_WALK.c.depth)
_n = _NEAR.c
_REMEMBERED = select(
    *(_n.id, _n.role, _n.text, _n.packed, _n.status, _n.attachments, _n.tool_calls, _n.tool_call_id, _n.name)
).order_by(_n.depth)
_ON_BRANCH = select(_WALK.c.depth).where(_WALK.c.id == bindparam("message"))
_ONE = _SHOWN.where(messages.c.id == bindparam("message"), messages.c.user_id == bindparam("user"))
_WHOLE = select(messages.c.attachments).where(messages.c.id == bindparam("message"))
_ALL = (
    _SHOWN.where(messages.c.conversation_id == bindparam("conversation"), messages.c.seq < bindparam("before"))
    .order_by(messages.c.seq.desc())
    .limit(bindparam("limit"))
)
_SINCE = (
    _SHOWN.where(messages.c.conversation_id == bindparam("conversation"), messages.c.seq > bindparam("after"))
    .order_by(messages.c.seq.desc())
    .limit(bindparam("limit"))
)
_NEWEST = (
    _SHOWN.join(conversations, (conversations.c.id == messages.c.conversation_id) & ~conversations.c.temporary)
    .where(messages.c.user_id == bindparam("user"))
    .order_by(messages.c.seq.desc())
    .limit(bindparam("limit"))
)
_MORE_CHANGED = (
    select(messages.c.seq)
    .where(messages.c.user_id == bindparam("user"), messages.c.changed > bindparam("since"))
    .order_by(messages.c.changed)
    .limit(1)
    .offset(bindparam("limit"))
)
# That a worker has begun an answer is not written into the message either: what is open may look different at any time.
_TOUCHED = union(
    select(messages.c.id).where(messages.c.user_id == bindparam("user"), messages.c.changed > bindparam("since")),
    select(generations.c.answer_id).where(generations.c.user_id == bindparam("user"), IS_OPEN),
)
_CHANGED = (
    _SHOWN.join(conversations, (conversations.c.id == messages.c.conversation_id) & ~conversations.c.temporary)
    .where(messages.c.id.in_(_TOUCHED))
    .order_by(messages.c.seq.desc())
    .limit(bindparam("limit"))
)
_TOUCH = (
    update(messages)
    .where(
        messages.c.seq.in_(
            select(messages.c.seq)
            .where(messages.c.conversation_id == bindparam("conversation"))
            .order_by(messages.c.seq.desc())
            .limit(bindparam("limit"))
        )
    )
    .values(changed=bindparam("version"))
)
_SEQ = select(messages.c.seq).where(
    messages.c.id == bindparam("message"), messages.c.conversation_id == bindparam("conversation")
)
_INSERT = insert(messages)
_END = (
    update(messages)
    .where(messages.c.id == bindparam("message"))
    .values(
        text=bindparam("new_text"),
        changed=bindparam("version"),
        status=bindparam("new_status"),
        model=bindparam("new_model"),
        usage=bindparam("new_usage"),
        finish_reason=bindparam("new_reason"),
        error=bindparam("new_error"),
        actions=bindparam("new_actions"),
        tool_calls=bindparam("new_tool_calls"),
    )
    .returning(*messages.c, messages.c.status.label("shown_status"))
)
NEWEST = 1 << 62
"""A row number that nobody reaches: lists begin before it."""


def _json(value: Message | None) -> str | None:
    return None if value is None else value.encode().decode()


def _attachments(stored: str | None) -> list[Attachment] | None:
    return None if stored is None else _ATTACHMENTS.validate_json(stored)


def _message(row: AnyRow) -> ChatMessage:
    return ChatMessage(
        id=row.id,
        conversation_id=row.conversation_id,
        parent_id=row.parent_id,
        role=row.role,
        text=whole(row.text, row.packed),
        status=row.shown_status,
        generation_id=row.generation_id,
        model=row.model,
        usage=Usage.decode(row.usage) if row.usage else None,
        finish_reason=row.finish_reason,
        error=Problem.decode(row.error) if row.error else None,
        actions=list(_ACTIONS.validate_json(row.actions)) if row.actions else None,
        tool_calls=json.loads(row.tool_calls) if row.tool_calls else None,
        tool_call_id=row.tool_call_id,
        name=row.name,
        attachments=_attachments(row.attachments),
        channel=row.channel,
        client_message_id=row.client_message_id,
        created_at=moment(row.created_at),
    )


def _shown(connection: Connection, statement: Select[Any], **values: Any) -> list[ChatMessage]:
    return [shown(_message(row)) for row in rows(connection, statement, values)]


def keep(
    connection: Connection,
    user: str,
    written: Sequence[ChatMessage],
    version: int,
    context_ids: str | None = None,
    intent: str | None = None,
) -> None:
    """Stores new messages in this order, which lead to this version. `context_ids` (JSON) and `intent` are of the user's."""
    new = [_row(user, message, version) for message in written]
    for values in new:
        if values["role"] == "user":
            values |= {"context_ids": context_ids, "intent": intent}
    run_all(connection, _INSERT, new)


def _row(user: str, message: ChatMessage, version: int) -> dict[str, Any]:
    attachments = message.attachments
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "user_id": user,
        "parent_id": message.parent_id,
        "role": message.role,
        "text": message.text,
        "status": message.status,
        "generation_id": message.generation_id,
        "tool_calls": json.dumps(message.tool_calls) if message.tool_calls else None,
        "tool_call_id": message.tool_call_id,
        "name": message.name,
        "attachments": _ATTACHMENTS.dump_json(attachments).decode() if attachments else None,
        "channel": message.channel,
        "client_message_id": message.client_message_id,
        "context_ids": None,
        "intent": None,
        "changed": version,
        "created_at": micros(message.created_at),
    }


def end(connection: Connection, message_id: str, version: int, filling: Filling) -> ChatMessage:
    """Fills an answer in for good, in this version of the user's state, and returns it."""
    values = {
        "message": message_id,
        "version": version,
        "new_text": filling.text,
        "new_status": filling.status,
        "new_model": filling.model,
        "new_usage": _json(filling.usage),
        "new_reason": filling.reason,
        "new_error": _json(filling.error),
        "new_actions": _ACTIONS.dump_json(filling.actions, by_alias=True).decode() if filling.actions else None,
        "new_tool_calls": json.dumps(filling.tool_calls) if filling.tool_calls else None,
    }
    return shown(_message(row(connection, _END, values)))


def get(connection: Connection, user: str, message_id: str) -> ChatMessage:
    """The message, if it is this user's. Raises UnknownMessage: what is others' does not exist."""
    found = row(connection, _ONE, {"user": user, "message": message_id})
    if found is None:
        raise UnknownMessage
    return shown(_message(found))


def whole_attachments(connection: Connection, message_id: str) -> list[Attachment] | None:
    """Its attachments with their whole text."""
    return _attachments(scalar(connection, _WHOLE, {"message": message_id}))


def number(connection: Connection, conversation_id: str, message_id: str) -> int:
    """The place of a message in the order of writing. Raises UnknownMessage when it is not of this conversation."""
    found = scalar(connection, _SEQ, {"conversation": conversation_id, "message": message_id})
    if found is None:
        raise UnknownMessage
    return found


def branch(connection: Connection, head_id: str, limit: int) -> list[ChatMessage]:
    """The branch that ends in this message, newest first."""
    return _shown(connection, _BRANCH, head=head_id, limit=limit)


def remembered(connection: Connection, head_id: str, limit: int, room: int) -> list[Remembered]:
    """The same as a model may be given it, attachments whole, until `room` characters are reached."""
    found = rows(connection, _REMEMBERED, {"head": head_id, "limit": limit, "room": room})
    return [
        Remembered(
            role,
            text if packed is None else whole(text, packed),
            status,
            tuple(_attachments(attachments) or ()) if attachments else (),
            message_id,
            calls_of(tool_calls) if tool_calls else (),
            tool_call_id,
            name,
            tool_calls,
        )
        for message_id, role, text, packed, status, attachments, tool_calls, tool_call_id, name in found
    ]


def on_branch(connection: Connection, head_id: str, message_id: str, limit: int) -> bool:
    """Whether the message is among the last `limit` of the branch that ends in `head_id`."""
    return scalar(connection, _ON_BRANCH, {"head": head_id, "message": message_id, "limit": limit}) is not None


def all_before(connection: Connection, conversation_id: str, before: int, limit: int) -> list[ChatMessage]:
    """Every message of the tree that was written before row `before`, newest first."""
    return _shown(connection, _ALL, conversation=conversation_id, before=before, limit=limit)


def since(connection: Connection, conversation_id: str, after: int, limit: int) -> list[ChatMessage]:
    """Every message of the tree that was written after row `after`, newest first."""
    return _shown(connection, _SINCE, conversation=conversation_id, after=after, limit=limit)


def newest(connection: Connection, user: str, limit: int) -> list[ChatMessage]:
    """The newest messages over all conversations that are not temporary, newest first."""
    return _shown(connection, _NEWEST, user=user, limit=limit)


def more_changed(connection: Connection, user: str, since: int, limit: int) -> bool:
    """Whether more than this many messages changed after this version."""
    return bool(rows(connection, _MORE_CHANGED, {"user": user, "since": since, "limit": limit}))


def changed_since(connection: Connection, user: str, since: int, limit: int) -> list[ChatMessage]:
    """Those that changed after this version or still may, of conversations that are not temporary, newest first."""
    return _shown(connection, _CHANGED, user=user, since=since, limit=limit)


def touch(connection: Connection, conversation_id: str, version: int, limit: int) -> None:
    """The newest ones of this conversation count as changed: who had forgotten them is told them again."""
    run(connection, _TOUCH, {"conversation": conversation_id, "version": version, "limit": limit})
