"""The snapshot that a client folds the events of its stream into."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway.parameters import Limit, Since
from gateway.parts import Caller, Here
from gateway.replies import Snapshot, reply, shows
from gateway.snapshot import snapshot
from shared.contract.state import GetState

router = APIRouter(prefix="/api/v1", tags=["state"])


@router.get("/state", responses=shows(Snapshot))
async def get_state(parts: Here, caller: Caller, limit: Limit = 50, since: Annotated[Since | None, Query()] = None) -> Response:
    """Everything of this user, with the newest `limit` messages, and the cursor to go on from: no gap, no overlap.

    With `since`, a version or a time, only what has changed after it, and `removed`: the ids of what is gone. `preferences` is
    null when they did not change. When what was removed since then isn't known any more, the answer is whole, without `since`.
    """
    return reply(await snapshot(parts, GetState(user=caller.user, limit=limit, since=since)))
