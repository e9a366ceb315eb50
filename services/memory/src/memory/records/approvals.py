"""Approvals: who was asked for what, and what was decided."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, insert, select, update

from memory.clock import micros, moment
from memory.records.prepared import AnyRow, row, rows, run, scalar
from memory.tables import conversations
from memory.tool_tables import IS_ASKED, approvals
from shared.contract.tools import Approval, ApprovalStatus
from shared.errors import UnknownApproval

_a = approvals.c
_INSERT = insert(approvals)
_ONE = select(approvals).where(_a.id == bindparam("approval"), _a.user_id == bindparam("user"))
_OF_USER = (
    select(approvals)
    .where(_a.user_id == bindparam("user"), IS_ASKED)
    .order_by(_a.created_at.desc(), _a.id.desc())
    .limit(bindparam("limit"))
)
_OF_CONVERSATION = _OF_USER.where(_a.conversation_id == bindparam("conversation"))
_SHOWN = _OF_USER.join(conversations, (conversations.c.id == _a.conversation_id) & ~conversations.c.temporary)
_OF_GENERATION = select(approvals).where(_a.generation_id == bindparam("generation"), IS_ASKED).order_by(_a.created_at, _a.id)
_ANY = select(_a.id).where(_a.generation_id == bindparam("generation"), IS_ASKED).limit(1)
_DUE = (
    select(_a.id, _a.user_id)
    .where(IS_ASKED, _a.expires_at <= bindparam("now"))
    .order_by(_a.expires_at)
    .limit(bindparam("limit"))
)
_DECIDE = (
    update(approvals).where(_a.id == bindparam("approval")).values(status=bindparam("new_status"), decided_at=bindparam("at"))
)


def _approval(found: AnyRow) -> Approval:
    return Approval(
        id=found.id,
        conversation_id=found.conversation_id,
        generation_id=found.generation_id,
        message_id=found.message_id,
        tool_call_id=found.call_id,
        name=found.name,
        arguments=json.loads(found.arguments),
        arguments_hash=found.arguments_hash,
        status=found.status,
        created_at=moment(found.created_at),
        expires_at=moment(found.expires_at),
        decided_at=None if found.decided_at is None else moment(found.decided_at),
    )


def keep(connection: Connection, user: str, approval: Approval) -> None:
    """Stores a new one."""
    values = {
        "id": approval.id,
        "user_id": user,
        "conversation_id": approval.conversation_id,
        "generation_id": approval.generation_id,
        "message_id": approval.message_id,
        "call_id": approval.tool_call_id,
        "name": approval.name,
        "arguments": json.dumps(approval.arguments),
        "arguments_hash": approval.arguments_hash,
        "status": approval.status,
        "created_at": micros(approval.created_at),
        "expires_at": micros(approval.expires_at),
    }
    run(connection, _INSERT, values)


def get(connection: Connection, user: str, approval_id: str) -> Approval:
    """The approval, if it is this user's. Raises UnknownApproval: what is others' does not exist."""
    found = row(connection, _ONE, {"approval": approval_id, "user": user})
    if found is None:
        raise UnknownApproval
    return _approval(found)


def waiting(connection: Connection, user: str, limit: int, conversation_id: str | None = None) -> list[Approval]:
    """Those that wait, newest first; all, or those of one conversation."""
    query = _OF_USER if conversation_id is None else _OF_CONVERSATION
    values = {"user": user, "limit": limit, "conversation": conversation_id}
    return [_approval(found) for found in rows(connection, query, values)]


def shown(connection: Connection, user: str, limit: int) -> list[Approval]:
    """Those that wait in conversations that are not temporary, newest first."""
    return [_approval(found) for found in rows(connection, _SHOWN, {"user": user, "limit": limit})]


def of_generation(connection: Connection, generation_id: str) -> list[Approval]:
    """Those of this answer that wait."""
    return [_approval(found) for found in rows(connection, _OF_GENERATION, {"generation": generation_id})]


def any_of(connection: Connection, generation_id: str) -> bool:
    """Whether this answer waits for somebody."""
    return scalar(connection, _ANY, {"generation": generation_id}) is not None


def due(connection: Connection, now: int, limit: int) -> Sequence[tuple[str, str]]:
    """Those whose time is over: their ids and users."""
    return [(found.id, found.user_id) for found in rows(connection, _DUE, {"now": now, "limit": limit})]


def decide(connection: Connection, approval_id: str, status: ApprovalStatus, at: int) -> None:
    """It does not wait any more."""
    run(connection, _DECIDE, {"approval": approval_id, "new_status": status, "at": at})
