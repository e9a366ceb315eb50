"""The snapshot that a client folds the events of its stream into."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway.parts import Caller, Here
from gateway.replies import Snapshot, reply, shows
from shared.contract.state import GET_STATE, GetState
from shared.contract.subjects import user_scope

router = APIRouter(prefix="/api/v1", tags=["state"])

NOT_YET: dict[str, Any] = {
    "tasks": [],
    "notes": [],
    "preferences": {},
    "pinnedMemories": [],
    "calendar": [],
    "plan": {},
}


@router.get("/state", responses=shows(Snapshot))
async def get_state(parts: Here, caller: Caller, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> Response:
    """Everything of this user, with the newest `limit` messages, and the cursor to go on from.

    The cursor is a little older than the snapshot: some events may come that the snapshot has already, none is missed.
    """
    cursor = await parts.feed.head(user_scope(caller.user))
    state = await parts.ask(GET_STATE, GetState(user=caller.user, limit=limit))
    return reply({**NOT_YET, **state.wire(), "cursor": str(cursor)})
