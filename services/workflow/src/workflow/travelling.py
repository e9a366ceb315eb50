"""The calls about travel: a search that somebody waits for, and the choice of a flight."""

import asyncio
import json
from contextlib import suppress
from datetime import date
from hashlib import sha256
from typing import Any

from shared.contract.travel import ChooseFlight
from shared.contract.trip import Trip
from shared.contract.workflow import (
    CreateWorkflow,
    FindFlights,
    FlightSearch,
    FlightSelected,
    GetWorkflow,
    SelectFlight,
    WorkflowState,
)
from shared.errors import FlightChosen, Invalid, WorkflowExists
from shared.ids import NewId
from workflow.handlers import Handlers
from workflow.jobs.ports import Memory

PAUSES = (0.05, 0.1, 0.2, 0.5)
ENDED = frozenset({"completed", "failed", "terminated"})


class Travelling:
    """Answers them."""

    def __init__(self, handlers: Handlers, memory: Memory, new_id: NewId) -> None:
        self._handlers, self._memory, self._new_id = handlers, memory, new_id

    async def find_flights(self, question: FindFlights) -> FlightSearch:
        """Raises Invalid."""
        search = CreateWorkflow(
            user=question.user,
            type="travel_search",
            params=_journey(question),
            id=_id_of(question) or self._new_id("w"),
        )
        with suppress(WorkflowExists):
            await self._handlers.create(search)
        state = await self._ended(GetWorkflow(user=question.user, workflow_id=search.id or ""), question.wait_seconds)
        return FlightSearch(workflow_id=state.id, status=state.status, trip=_trip_of(state), error=state.error)

    async def select_flight(self, question: SelectFlight) -> FlightSelected:
        """Raises UnknownTrip, UnknownFlight, FlightChosen. First memory decides, then the booking begins: once, by its id."""
        trip = await self._chosen(question)
        booking = CreateWorkflow(
            user=question.user,
            type="booking",
            params={"workflowId": trip.workflow_id, "flightId": question.flight_id},
            id=trip.booking_workflow_id,
        )
        with suppress(WorkflowExists):
            await self._handlers.create(booking)
        state = await self._handlers.get(GetWorkflow(user=question.user, workflow_id=booking.id or ""))
        return FlightSelected(id=state.id, status=state.status, trip=trip)

    async def _chosen(self, question: SelectFlight) -> Trip:
        user, workflow_id, flight_id = question.user, question.workflow_id, question.flight_id
        order = ChooseFlight(user=user, workflow_id=workflow_id, flight_id=flight_id, booking_workflow_id=self._new_id("w"))
        try:
            return await self._memory.choose_flight(order)
        except FlightChosen:
            trip = await self._memory.trip(user, workflow_id)
            if trip.selected_flight_id != flight_id:
                raise
            return trip  # the same choice again is answered the same

    async def _ended(self, question: GetWorkflow, seconds: float) -> WorkflowState:
        """The workflow when it has ended, or as it is after so many seconds."""
        pauses, deadline = iter(PAUSES), asyncio.get_running_loop().time() + seconds
        while True:
            state = await self._handlers.get(question)
            left = deadline - asyncio.get_running_loop().time()
            if state.status in ENDED or left <= 0:
                return state
            await asyncio.sleep(min(next(pauses, PAUSES[-1]), left))


def _journey(question: FindFlights) -> dict[str, Any]:
    """The parameters of the search. Raises Invalid."""
    for name, day in (("departureDate", question.departure_date), ("returnDate", question.return_date)):
        try:
            date.fromisoformat(day or "2026-01-31")
        except ValueError:
            raise Invalid(f"{name} must be a day such as 2026-01-31.", fields=[name]) from None
    return {key: value for key, value in question.wire().items() if key not in ("user", "key", "waitSeconds")}


def _id_of(question: FindFlights) -> str | None:
    return None if question.key is None else "w_" + sha256(f"flights\0{question.key}".encode()).hexdigest()[:40]


def _trip_of(state: WorkflowState) -> Trip | None:
    output: Any = state.output
    return Trip.decode(json.dumps(output["trip"])) if state.status == "completed" and "trip" in output else None
