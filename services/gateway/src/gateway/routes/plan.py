"""The plan of a day."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from gateway.bodies import DayPlan
from gateway.parameters import Day, IdempotencyKey
from gateway.parts import Caller, Here
from gateway.replies import reply, shows
from shared.contract.person import Plan
from shared.contract.state import GET_PLAN, PUT_PLAN, GetPlan

router = APIRouter(prefix="/api/v1/plan", tags=["plan"])

OfDay = Annotated[Day, Path()]


@router.get("/{date}", responses=shows(Plan))
async def get_plan(date: OfDay, parts: Here, caller: Caller) -> Response:
    """The plan of this day, empty when there is none."""
    return reply(await parts.ask(GET_PLAN, GetPlan(user=caller.user, date=date)))


@router.put("/{date}", responses=shows(Plan))
async def put_plan(date: OfDay, body: DayPlan, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """Replaces the plan of this day: three priorities, five todos and one note at most."""
    return reply(await parts.change(PUT_PLAN, body.order(caller.user, key, date)))
