"""Approvals: calls of tools that are made when the person agrees, from whatever device."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway.bodies import Decision
from gateway.parameters import Limit
from gateway.parts import Caller, Here
from gateway.replies import ApprovalList, reply, shows
from shared.contract.acting import DECIDE_APPROVAL, LIST_APPROVALS, ListApprovals
from shared.contract.tools import Approval
from shared.ids import Id

router = APIRouter(prefix="/api/v1/approvals", tags=["approvals"])


@router.get("", responses=shows(ApprovalList))
async def list_approvals(
    parts: Here, caller: Caller, limit: Limit = 100, conversation_id: Annotated[Id | None, Query(alias="conversationId")] = None
) -> Response:
    """What waits for a decision, newest first; all, or that of one conversation."""
    question = ListApprovals(user=caller.user, conversation_id=conversation_id, limit=limit)
    found = await parts.ask(LIST_APPROVALS, question)
    return reply({**found.wire(), "next": None})


@router.post("/{approval_id}", responses=shows(Approval))
async def decide(approval_id: Id, body: Decision, parts: Here, caller: Caller) -> Response:
    """Agrees to a call or not. `argumentsHash` is the one that came with it: nobody agrees to what was not shown.

    The same decision again is answered the same; another one is a 409, as is one that comes too late.
    """
    return reply(await parts.change(DECIDE_APPROVAL, body.order(caller.user, approval_id)))
