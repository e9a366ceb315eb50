"""Trips: flights that were found for a journey, and the choice of one."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response
from starlette.status import HTTP_202_ACCEPTED as ACCEPTED

from gateway.orders import FlightsWanted
from gateway.parameters import IdempotencyKey
from gateway.parts import Caller, Here
from gateway.replies import TripList, reply, shows
from shared.contract.travel import LIST_TRIPS, ListTrips
from shared.contract.workflow import (
    FIND_FLIGHTS,
    SELECT_FLIGHT,
    FlightSearch,
    FlightSelected,
    SelectFlight,
)
from shared.ids import Id

router = APIRouter(prefix="/api/v1/travel", tags=["travel"])

FlightId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._~-]{1,100}$")]


@router.get("/suggestions", responses=shows(TripList))
async def list_suggestions(parts: Here, caller: Caller) -> Response:
    """Trips that are still to come, with their flights, the best first."""
    today = datetime.now(UTC).date().isoformat()
    found = await parts.ask(LIST_TRIPS, ListTrips(user=caller.user, since=today))
    return reply({"upcomingTrips": [trip.wire() for trip in found.trips]})


@router.post("/search", status_code=ACCEPTED, responses=shows(FlightSearch, ACCEPTED))
async def search_flights(body: FlightsWanted, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """Has flights searched and ranked: a workflow, whose id is the trip's. Answers at once."""
    return reply(await parts.change(FIND_FLIGHTS, body.order(caller.user, key)), ACCEPTED)


@router.post("/{workflow_id}/select/{flight_id}", status_code=ACCEPTED, responses=shows(FlightSelected, ACCEPTED))
async def select_flight(workflow_id: Id, flight_id: FlightId, parts: Here, caller: Caller) -> Response:
    """Chooses a flight. The booking is a workflow that waits for an event `approved`; its id is the answer's."""
    order = SelectFlight(user=caller.user, workflow_id=workflow_id, flight_id=flight_id)
    return reply(await parts.change(SELECT_FLIGHT, order), ACCEPTED)
