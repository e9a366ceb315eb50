"""Schedules: workflows that are begun again and again, or once, later."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from gateway.orders import NewSchedule
from gateway.parts import Caller, Here
from gateway.replies import ScheduleDropped, ScheduleList, ShownSchedule, reply, shows
from shared.contract.state import GET_PREFERENCES, GetPreferences
from shared.contract.workflow import DROP_SCHEDULE, LIST_SCHEDULES, PUT_SCHEDULE, DropSchedule, ListSchedules, Schedule

router = APIRouter(prefix="/api/v1/schedules", tags=["workflows"])

ScheduleId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


@router.get("", responses=shows(ScheduleList))
async def list_schedules(parts: Here, caller: Caller) -> Response:
    """All of the caller's, the next one first."""
    found = await parts.ask(LIST_SCHEDULES, ListSchedules(user=caller.user))
    return reply({"schedules": [_shown(schedule).wire() for schedule in found.schedules], "next": None})


@router.put("/{schedule_id}", responses=shows(ShownSchedule))
async def put_schedule(schedule_id: ScheduleId, body: NewSchedule, parts: Here, caller: Caller) -> Response:
    """Makes this schedule, in place of the one of this id."""
    timezone = "UTC"
    if body.timezone is None:
        preferences = (await parts.ask(GET_PREFERENCES, GetPreferences(user=caller.user))).preferences
        timezone = str(preferences.get("timezone", timezone))
    return reply(_shown(await parts.change(PUT_SCHEDULE, body.order(caller.user, schedule_id, timezone))))


@router.delete("/{schedule_id}", responses=shows(ScheduleDropped))
async def drop_schedule(schedule_id: ScheduleId, parts: Here, caller: Caller) -> Response:
    """There is no such schedule any more; what it has begun goes on."""
    await parts.change(DROP_SCHEDULE, DropSchedule(user=caller.user, schedule_id=schedule_id))
    return reply({"id": schedule_id})


def _shown(schedule: Schedule) -> ShownSchedule:
    return ShownSchedule(id=schedule.schedule_id, **schedule.model_dump(exclude={"user", "schedule_id"}))
