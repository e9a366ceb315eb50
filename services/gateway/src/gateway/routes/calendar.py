"""Calendar entries."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response
from starlette.status import HTTP_201_CREATED

from gateway.bodies import Appointment
from gateway.parameters import From, IdempotencyKey, Limit, PageCursor, To
from gateway.parts import Caller, Here
from gateway.replies import Appointed, reply, shows
from shared.contract.person import CalendarEvent
from shared.contract.state import (
    DELETE_EVENT,
    KEEP_EVENT,
    LIST_EVENTS,
    CalendarEvents,
    DeleteEvent,
    KeptEvent,
    ListEvents,
)
from shared.ids import Id

router = APIRouter(prefix="/api/v1/calendar", tags=["calendar"])


@router.get("", responses=shows(CalendarEvents))
async def list_events(
    parts: Here,
    caller: Caller,
    limit: Limit = 50,
    cursor: PageCursor = None,
    start: Annotated[From | None, Query(alias="from")] = None,
    end: Annotated[To | None, Query(alias="to")] = None,
) -> Response:
    """Entries of a time, by their start; a day counts whole, in UTC."""
    question = ListEvents(user=caller.user, limit=limit, cursor=cursor, start=start, end=end)
    page = await parts.ask(LIST_EVENTS, question)
    return reply({**page.wire(), "next": page.next})


@router.post("/event", status_code=HTTP_201_CREATED, responses=shows(Appointed, HTTP_201_CREATED))
async def create_event(body: Appointment, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """Keeps an entry. In another place than home it brings a travel event, which is only kept warm."""
    return reply(_appointed(await parts.change(KEEP_EVENT, body.order(caller.user, key))), HTTP_201_CREATED)


@router.put("/event/{event_id}", responses=shows(Appointed))
async def replace_event(event_id: Id, body: Appointment, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """Puts this in place of what the entry was."""
    return reply(_appointed(await parts.change(KEEP_EVENT, body.order(caller.user, key, event_id))))


@router.delete("/event/{event_id}", responses=shows(CalendarEvent))
async def delete_event(event_id: Id, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """Deletes an entry with its travel event, and answers with what it was."""
    order = DeleteEvent(user=caller.user, operation_id=key, event_id=event_id)
    return reply(await parts.change(DELETE_EVENT, order))


def _appointed(kept: KeptEvent) -> dict[str, Any]:
    travel = {"travelEvent": kept.travel_event.wire()} if kept.travel_event else {}
    return {**kept.event.wire(), **travel}
