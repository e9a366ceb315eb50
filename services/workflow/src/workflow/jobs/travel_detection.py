"""The workflow `travel_detection`: journeys that the calendar tells of get their flights prepared, if that is light work.

Memory finds out which entries lead somewhere else (a travel event each); here a search is begun for those without a trip.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final

from shared.contract.base import Message
from shared.contract.person import CalendarEvent
from shared.contract.state import ListEvents
from shared.contract.trip import Trip
from workflow.definition import Definition, workflow
from workflow.jobs import day
from workflow.jobs.ports import Ports
from workflow.step import Attempt, Step

AHEAD: Final = timedelta(days=120)
KEEP: Final = timedelta(days=1)
MOST: Final = 10
"""Searches that one run begins."""

PAGE: Final = 200


class Nothing(Message):
    """It takes nothing."""


def travel_detection(ports: Ports) -> Definition:
    """The workflow."""

    @workflow("travel_detection", warm_only=True, keep=KEEP)
    async def look(step: Step, params: Nothing) -> dict[str, Any]:
        return {"journeys": await detect(step, ports)}

    return look


async def detect(step: Step, ports: Ports) -> int:
    """How many searches were begun. Steps of whichever workflow it is."""
    journeys: list[dict[str, Any]] = await step.do("look for journeys", partial(_journeys, ports))
    for journey in journeys:
        await step.do("prepare a journey", partial(_begin, ports, journey))
    return len(journeys)


async def _journeys(ports: Ports, attempt: Attempt) -> list[dict[str, Any]]:
    user, now = attempt.about.user, attempt.now()
    zone = day.zone_of((await ports.memory.preferences(user)).preferences.get("timezone"))
    events = (await ports.memory.events(ListEvents(user=user, start=now, end=now + AHEAD, limit=PAGE))).events
    trips = await ports.memory.trips(user, now.astimezone(zone).date().isoformat())
    return new_journeys(events, trips, zone.key)


def new_journeys(events: Sequence[CalendarEvent], trips: Sequence[Trip], timezone: str) -> list[dict[str, Any]]:
    """Those without a trip on their day, the next one first: the id of their search, and what it is given."""
    zone = day.zone_of(timezone)
    known = {(trip.travel_event_id, trip.departure_date) for trip in trips}
    settled = {trip.travel_event_id for trip in trips if trip.status in ("selected", "booked")}
    found: list[dict[str, Any]] = []
    for event in sorted(events, key=lambda event: event.start):
        on = event.start.astimezone(zone).date().isoformat()
        if event.kind != "travel" or not event.destination or event.id in settled or (event.id, on) in known:
            continue
        params = {"destination": event.destination, "departureDate": on, "travelEventId": event.id}
        found.append({"id": f"trip-{event.id[-40:]}-{on.replace('-', '')}", "params": params})
    return found[:MOST]


async def _begin(ports: Ports, journey: dict[str, Any], attempt: Attempt) -> None:
    await ports.workflows.begin(attempt.about.user, "travel_prepare", journey["params"], journey["id"])
