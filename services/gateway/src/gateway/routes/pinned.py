"""Pinned memories: facts that every answer knows."""

from fastapi import APIRouter
from starlette.responses import Response

from gateway.bodies import Pin
from gateway.parameters import IdempotencyKey, Limit, PageCursor
from gateway.parts import Caller, Here
from gateway.replies import reply, shows
from shared.contract.person import PinnedMemory
from shared.contract.state import LIST_MEMORIES, PIN_MEMORY, UNPIN_MEMORY, ListMemories, Memories, UnpinMemory
from shared.ids import Id

router = APIRouter(prefix="/api/v1/memory", tags=["memory"])


@router.get("", responses=shows(Memories))
async def list_memories(parts: Here, caller: Caller, limit: Limit = 50, cursor: PageCursor = None) -> Response:
    """In the order of type and key."""
    page = await parts.ask(LIST_MEMORIES, ListMemories(user=caller.user, limit=limit, cursor=cursor))
    return reply({**page.wire(), "next": page.next})


@router.post("/pin", responses=shows(PinnedMemory))
async def pin(body: Pin, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """Remembers a fact. The same type and key again replaces its value."""
    return reply(await parts.change(PIN_MEMORY, body.order(caller.user, key)))


@router.delete("/{memory_id}", responses=shows(PinnedMemory))
async def unpin(memory_id: Id, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """Forgets a fact, and answers with what it was."""
    order = UnpinMemory(user=caller.user, operation_id=key, memory_id=memory_id)
    return reply(await parts.change(UNPIN_MEMORY, order))
