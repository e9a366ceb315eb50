"""The nouns of travelling: a trip and its flights."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from shared.contract.base import Message

Place = Annotated[str, Field(min_length=1, max_length=255)]

TripStatus = Literal["suggested", "selected", "booked", "failed"]
"""`selected`: a booking waits for approval, or is under way. `failed`: it came to nothing, see `problem`; choose again."""


class Price(Message):
    """What it costs, as whoever sells it says."""

    amount: float
    currency: str


class RankedFlight(Message):
    """A flight, and why it stands where it does. `score` goes from 0 to 100; times are as the airline gives them."""

    rank: int
    flight_id: str
    airline: str
    departure: str
    arrival: str
    price: Price
    score: float
    reasoning: str
    offer_id: str | None = None
    """What the seller calls it, where that is more than an address can hold."""
    stops: int | None = None
    duration_minutes: int | None = None


class Trip(Message):
    """A journey with its flights, the best first. `id` is that of the workflow that found them, `workflow_id` too."""

    id: str
    workflow_id: str
    travel_event_id: str | None = None
    """The travel event of the calendar that it is for, if there is one."""
    origin: str | None = None
    destination: str
    departure_date: str
    """A day, `2026-01-31`."""
    return_date: str | None = None
    status: TripStatus = "suggested"
    ranked_flights: list[RankedFlight] = Field(default_factory=list[RankedFlight])
    selected_flight_id: str | None = None
    booking_workflow_id: str | None = None
    confirmation: str | None = None
    problem: str | None = None
    """Why there are no flights, or no booking."""
    created_at: datetime
    updated_at: datetime
