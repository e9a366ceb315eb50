"""The workflows `travel_search` and `travel_prepare`: flights for a journey, searched by a tool and ranked for this person.

The second one runs in the background: a tool that is heavy is refused to it, and then the journey is kept without flights.
"""

from datetime import date, timedelta
from typing import Any

from pydantic import Field

from shared.contract.base import Message
from shared.contract.person import CalendarEvent
from shared.contract.state import ListEvents
from shared.contract.tools import Tool
from shared.contract.travel import KeepTrip
from shared.contract.trip import Place
from workflow.definition import Code, Definition, workflow
from workflow.failure import NonRetryable, StepError
from workflow.jobs import day
from workflow.jobs.flights import flights_of, ranked, wishes_of
from workflow.jobs.keys import operation_id
from workflow.jobs.ports import Ports
from workflow.jobs.tooling import arguments_for, requires, tool_for
from workflow.retries import Retries
from workflow.step import Attempt, Step

ASKING = Retries(limit=4, delay=2.0)
PAGE = 200
CalendarDay = date


class Journey(Message):
    """Where to and when; from home when nothing else is said."""

    destination: Place
    departure_date: CalendarDay
    origin: Place | None = None
    return_date: CalendarDay | None = None
    travellers: int = Field(default=1, ge=1, le=9)
    travel_event_id: str | None = Field(default=None, max_length=64)


def travel_search(ports: Ports, tool: str | None = None) -> Definition:
    """The workflow for somebody who asks. `tool`: the one that the operator has named, if any."""
    return workflow("travel_search")(_search(ports, tool))


def travel_prepare(ports: Ports, tool: str | None = None) -> Definition:
    """The same in the background."""
    return workflow("travel_prepare", warm_only=True)(_search(ports, tool))


def _search(ports: Ports, named: str | None) -> Code:
    async def search(step: Step, params: Journey) -> dict[str, Any]:
        user = step.about.user

        async def look(_: Attempt) -> dict[str, Any]:
            return await _situation(ports, user, params)

        known = await step.do("look at the calendar", look)

        async def ask(attempt: Attempt) -> Any:
            found = tool_for("flights", await ports.tools.offered(attempt.about), named)
            result = await ports.tools.call(attempt, found.name, _arguments(found, params, known))
            return [each.wire() for each in _ranked(result, known)]

        flights, problem = list[Any](), None
        try:
            flights = await step.do("search flights", ask, retries=ASKING)
            problem = None if flights else "No flights were found."
        except StepError as error:
            if not step.about.warm_only:
                await step.do("keep", _keeping(ports, step, params, known, [], error.problem.message))
                raise
            problem = "Ask for flights, and they are searched."
        trip = await step.do("keep", _keeping(ports, step, params, known, flights, problem))
        return {"trip": trip, "rankedFlights": trip.get("rankedFlights", []), "workflowId": step.about.workflow_id}

    return search


async def _situation(ports: Ports, user: str, params: Journey) -> dict[str, Any]:
    """What the search and the ranking depend on."""
    preferences = (await ports.memory.preferences(user)).preferences
    zone = day.zone_of(preferences.get("timezone"))
    begins, _ = day.bounds(params.departure_date - timedelta(days=1), zone)
    _, ends = day.bounds(params.departure_date + timedelta(days=2), zone)
    events = (await ports.memory.events(ListEvents(user=user, start=begins, end=ends, limit=PAGE))).events
    purpose = _purpose(events, params)
    return {
        "origin": params.origin or preferences.get("home"),
        "travel": preferences.get("travel"),
        "timezone": zone.key,
        "events": [_brief(event) for event in events],
        "purpose": None if purpose is None else purpose.id,
    }


def _purpose(events: list[CalendarEvent], params: Journey) -> CalendarEvent | None:
    """The travel event that this journey is for: the one that is named, or one to this place around this day."""
    travel = [event for event in events if event.kind == "travel"]
    if params.travel_event_id is not None:
        return next((event for event in travel if event.id == params.travel_event_id), None)
    wanted = params.destination.casefold()
    return next((event for event in travel if (event.destination or "").casefold() in wanted), None)


def _brief(event: CalendarEvent) -> dict[str, Any]:
    return event.model_copy(update={"description": None, "title": event.title[:100]}).wire()


def _arguments(tool: Tool, params: Journey, known: dict[str, Any]) -> dict[str, Any]:
    if known["origin"] is None and requires(tool, "origin"):
        raise NonRetryable("Where from? Say an origin, or set the preference `home`.")
    wanted = {
        "origin": known["origin"],
        "destination": params.destination,
        "departureDate": params.departure_date.isoformat(),
        "returnDate": params.return_date.isoformat() if params.return_date else None,
        "travellers": params.travellers,
    }
    return arguments_for(tool, wanted)


def _ranked(result: Any, known: dict[str, Any]) -> list[Any]:
    events = [CalendarEvent.model_validate(event) for event in known["events"]]
    purpose = next((event for event in events if event.id == known["purpose"]), None)
    return list(ranked(flights_of(result), wishes_of(known["travel"], day.zone_of(known["timezone"]), events, purpose)))


def _keeping(ports: Ports, step: Step, params: Journey, known: dict[str, Any], flights: list[Any], problem: str | None) -> Any:
    about = step.about

    async def keep(attempt: Attempt) -> dict[str, Any]:
        order = KeepTrip(
            user=about.user,
            operation_id=operation_id(attempt.key),
            workflow_id=about.workflow_id,
            travel_event_id=known["purpose"] or params.travel_event_id,
            origin=known["origin"],
            destination=params.destination,
            departure_date=params.departure_date.isoformat(),
            return_date=params.return_date.isoformat() if params.return_date else None,
            ranked_flights=flights,
            problem=problem[:500] if problem else None,
        )
        return (await ports.memory.keep_trip(order)).wire()

    return keep
