"""What memory is asked about trips."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contract.base import Message
from shared.contract.memory import Done
from shared.contract.state import Change
from shared.contract.topics import Call
from shared.contract.trip import Place, RankedFlight, Trip


class KeepTrip(Change):
    """Flights were found, or a journey is known for which they will be. Replaces the flights of this trip, and any other trip
    for the same travel event; one that was chosen from stays as it is, and is the answer. Refused with `limit_reached`."""

    workflow_id: str
    travel_event_id: str | None = None
    origin: Place | None = None
    destination: Place
    departure_date: str
    return_date: str | None = None
    ranked_flights: list[RankedFlight] = Field(default_factory=list[RankedFlight], max_length=50)
    problem: Annotated[str, Field(max_length=500)] | None = None


class ChooseFlight(Change):
    """This flight of this trip shall be booked, by this workflow. The same again changes nothing.

    Refused with `unknown_trip`, `unknown_flight`; with `flight_selected` when another one is being booked, or any is booked.
    """

    workflow_id: str
    flight_id: str
    booking_workflow_id: str


class SettleTrip(Change):
    """How a booking has ended. Refused with `unknown_trip`; with `flight_selected` when the trip is another booking's."""

    workflow_id: str
    booking_workflow_id: str
    status: Literal["booked", "failed", "suggested"]
    confirmation: Annotated[str, Field(max_length=500)] | None = None
    problem: Annotated[str, Field(max_length=500)] | None = None


class DropTrip(Change):
    """There shall be no such trip; one that was chosen from stays. Idempotent."""

    workflow_id: str


class GetTrip(Message):
    """One trip."""

    user: str
    workflow_id: str


class ListTrips(Message):
    """Trips of this user that begin on this day or later, the next one first."""

    user: str
    since: str | None = None


class Trips(Message):
    """All of them."""

    trips: list[Trip]


KEEP_TRIP = Call("memory", "keep_trip", KeepTrip, Trip)
CHOOSE_FLIGHT = Call("memory", "choose_flight", ChooseFlight, Trip)
SETTLE_TRIP = Call("memory", "settle_trip", SettleTrip, Trip)
DROP_TRIP = Call("memory", "drop_trip", DropTrip, Done)
GET_TRIP = Call("memory", "get_trip", GetTrip, Trip)
LIST_TRIPS = Call("memory", "list_trips", ListTrips, Trips)
