"""What becomes of a trip: found, chosen from, booked. Pure."""

from datetime import date, datetime
from typing import Final

from shared.contract.travel import ChooseFlight, KeepTrip, SettleTrip
from shared.contract.trip import Trip
from shared.errors import FlightChosen, Invalid, TooLarge, UnknownFlight

LARGEST: Final = 12 * 1024
"""Bytes of one trip as JSON: the state has a few of them."""

CHOSEN: Final = frozenset({"selected", "booked"})


def day(text: str) -> str:
    """The day as it is kept. Raises Invalid."""
    try:
        return date.fromisoformat(text if len(text) == len("2026-01-31") else "").isoformat()
    except ValueError:
        raise Invalid("A date must be a day such as 2026-01-31.") from None


def found(question: KeepTrip, old: Trip | None, at: datetime) -> Trip:
    """The trip with these flights; the old one when it was chosen from, or nothing is different. Raises Invalid, TooLarge."""
    wanted = {
        "travel_event_id": question.travel_event_id,
        "origin": question.origin,
        "destination": question.destination,
        "departure_date": day(question.departure_date),
        "return_date": None if question.return_date is None else day(question.return_date),
        "ranked_flights": question.ranked_flights,
        "problem": question.problem,
        "status": "suggested",
        "selected_flight_id": None,
        "booking_workflow_id": None,
    }
    if old is not None and old.status in CHOSEN:
        return old
    made = old.created_at if old else at
    new = Trip.model_validate(
        {"id": question.workflow_id, "workflow_id": question.workflow_id, **wanted, "created_at": made, "updated_at": at}
    )
    if len(new.encode()) > LARGEST:
        raise TooLarge(f"A trip may have {LARGEST} bytes; keep fewer flights.", limit=LARGEST)
    return old if old is not None and old == new.model_copy(update={"updated_at": old.updated_at}) else new


def chosen(question: ChooseFlight, old: Trip, at: datetime) -> Trip:
    """The trip with this flight chosen. Raises UnknownFlight, FlightChosen."""
    if all(flight.flight_id != question.flight_id for flight in old.ranked_flights):
        raise UnknownFlight
    if old.status in CHOSEN:
        if (old.selected_flight_id, old.booking_workflow_id) == (question.flight_id, question.booking_workflow_id):
            return old
        raise FlightChosen
    changes = {
        "status": "selected",
        "selected_flight_id": question.flight_id,
        "booking_workflow_id": question.booking_workflow_id,
        "problem": None,
        "updated_at": at,
    }
    return old.model_copy(update=changes)


def settled(question: SettleTrip, old: Trip, at: datetime) -> Trip:
    """The trip after its booking. One that is offered again has nothing chosen. Raises FlightChosen."""
    if old.booking_workflow_id != question.booking_workflow_id:
        raise FlightChosen("Another booking has this trip.")
    changes = {"status": question.status, "confirmation": question.confirmation, "problem": question.problem}
    if question.status == "suggested":
        changes["selected_flight_id"] = None
    new = old.model_copy(update=changes)
    return old if new == old else new.model_copy(update={"updated_at": at})
