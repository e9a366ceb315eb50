"""The workflow `booking`: a flight that was chosen waits for a yes, for days if need be, is booked once, and brings tasks."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, cast

from pydantic import Field

from shared.contract.base import Message
from shared.contract.state import CreateTask
from shared.contract.tools import Tool
from shared.contract.travel import ChooseFlight, SettleTrip
from shared.contract.trip import RankedFlight, Trip
from workflow.definition import Definition, workflow
from workflow.failure import EventTimedOut, StepError
from workflow.jobs.keys import operation_id
from workflow.jobs.ports import Ports
from workflow.jobs.tooling import arguments_for, first_of, tool_for, value_of
from workflow.retries import Retries
from workflow.step import Attempt, Step

PATIENCE: Final = timedelta(days=7)
"""For an approval. Prices don't wait that long; the tool refuses an offer that is no more."""

BOOKING: Final = Retries(limit=4, delay=15.0)

TASKS: Final = (("Check in", 1), ("Travel documents", 7), ("Ride to the airport", 0))
"""What a booked flight brings, and how many days before it that is due."""


class Choice(Message):
    """A flight of the trip that this workflow has found."""

    workflow_id: str = Field(min_length=1, max_length=64)
    flight_id: str = Field(min_length=1, max_length=200)


def booking(ports: Ports, named: str | None = None) -> Definition:
    """The workflow. `named`: the tool that the operator has named, if any. An event `approved` has it go on; with
    `{"approved": false}`, or without any for seven days, the trip is offered again."""

    @workflow("booking")
    async def book(step: Step, params: Choice) -> dict[str, Any]:
        trip = Trip.model_validate(await step.do("record the choice", partial(_record, ports, params)))
        flight = next(each for each in trip.ranked_flights if each.flight_id == params.flight_id)
        tool = Tool.model_validate(await step.do("find the booking tool", partial(_find, ports, named)))
        refusal = await _refusal(step, params.flight_id)
        if refusal is not None:
            await step.do("offer it again", partial(_settle, ports, params, "suggested", None, refusal))
            return {"booked": False, "reason": refusal}
        try:
            confirmation = await step.do("book", partial(_book, ports, tool, trip, flight), retries=BOOKING)
        except StepError as error:
            await step.do("keep the failure", partial(_settle, ports, params, "failed", None, error.problem.message))
            raise
        await step.do("keep the booking", partial(_settle, ports, params, "booked", confirmation, None))
        async with asyncio.TaskGroup() as group:
            made = [group.create_task(_follow(step, ports, trip, flight, title, days)) for title, days in TASKS]
        tasks = [each.result() for each in made]
        return {"booked": True, "confirmation": confirmation, "taskIds": [task for task in tasks if task], "trip": trip.id}

    return book


async def _record(ports: Ports, params: Choice, attempt: Attempt) -> dict[str, Any]:
    order = ChooseFlight(
        user=attempt.about.user,
        workflow_id=params.workflow_id,
        flight_id=params.flight_id,
        booking_workflow_id=attempt.about.workflow_id,
    )
    return (await ports.memory.choose_flight(order)).wire()


async def _find(ports: Ports, named: str | None, attempt: Attempt) -> dict[str, Any]:
    """Before anybody is asked to agree to what could not be done then."""
    return tool_for("booking", await ports.tools.offered(attempt.about), named).wire()


async def _refusal(step: Step, flight_id: str) -> str | None:
    """Why it shall not be booked, if it shall not."""
    try:
        said = await step.wait_for_event("approval", "approved", timeout=PATIENCE)
    except EventTimedOut:
        return f"Nobody agreed to it within {PATIENCE.days} days."
    given = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
    if given.get("approved") is False:
        return "It was not approved."
    if given.get("flightId", flight_id) != flight_id:
        return "What was approved is another flight."
    return None


async def _book(ports: Ports, tool: Tool, trip: Trip, flight: RankedFlight, attempt: Attempt) -> str:
    """The confirmation. The key is the same at every attempt: whoever books must not book twice."""
    preferences = (await ports.memory.preferences(attempt.about.user)).preferences
    wanted = {
        "flightId": flight.offer_id or flight.flight_id,
        "departureDate": trip.departure_date,
        "passenger": preferences.get("name") or attempt.about.user,
        "key": operation_id(attempt.key),
    }
    result = await ports.tools.call(attempt, tool.name, arguments_for(tool, wanted), approved=True)
    value = value_of(result)
    if isinstance(value, dict):
        names = ("confirmation", "confirmationNumber", "confirmation_number", "bookingReference", "reference", "pnr", "id")
        value = first_of(cast("dict[str, Any]", value), *names) or "booked"
    return str(value)[:200] or "booked"


async def _settle(
    ports: Ports, params: Choice, status: Any, confirmation: str | None, problem: str | None, attempt: Attempt
) -> None:
    order = SettleTrip(
        user=attempt.about.user,
        operation_id=operation_id(attempt.key),
        workflow_id=params.workflow_id,
        booking_workflow_id=attempt.about.workflow_id,
        status=status,
        confirmation=confirmation,
        problem=problem[:500] if problem else None,
    )
    await ports.memory.settle_trip(order)


async def _follow(step: Step, ports: Ports, trip: Trip, flight: RankedFlight, title: str, days: int) -> str | None:
    """The id of a task. Who can't have more tasks has the flight all the same."""
    try:
        return await step.do(title, partial(_task, ports, trip, flight, title, days))
    except StepError:
        return None


async def _task(ports: Ports, trip: Trip, flight: RankedFlight, title: str, days: int, attempt: Attempt) -> str:
    departure = datetime.fromisoformat(flight.departure).date()
    due = max(departure - timedelta(days=days), min(attempt.now().date(), departure))
    order = CreateTask(
        user=attempt.about.user,
        operation_id=operation_id(attempt.key),
        title=f"{title}: {flight.airline} to {trip.destination}"[:500],
        due=due.isoformat(),
        tags=["travel"],
    )
    return (await ports.memory.create_task(order)).id
