"""What was used of today's budget."""

from fastapi import APIRouter
from starlette.responses import Response

from gateway.parts import Caller, Here
from gateway.replies import reply, shows
from shared.contract.budget import GET_USAGE, GetUsage, UsageToday

router = APIRouter(prefix="/api/v1/usage", tags=["account"])


@router.get("", responses=shows(UsageToday))
async def get_usage(parts: Here, caller: Caller) -> Response:
    """Tokens and cost of today (UTC), what is reserved for open answers, and what is left until `resetsAt`.

    `limit` and `left` are null where there is no limit.
    """
    today = await parts.ask(GET_USAGE, GetUsage(user=caller.user))
    nothing, shown = {"limit": None, "left": None}, today.wire()
    whole = {name: int(value) for name, value in today.tokens.model_dump(exclude={"currency"}, exclude_none=True).items()}
    return reply({**shown, "tokens": {**nothing, **whole}, "cost": {**nothing, **shown["cost"]}})
