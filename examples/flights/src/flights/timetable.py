"""The made-up timetable: the same route and day always has the same flights, on every machine. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from flights.places import Place, code_of, coded, kilometres, place

AIRLINES: Final = (
    ("Example Air", "EX", 1.0),
    ("Synthetic Airways", "SY", 1.15),
    ("Paper Plane", "PP", 0.75),
    ("Placeholder Lines", "PL", 0.9),
    ("Northern Sample", "NS", 1.3),
)
FEWEST, MOST = 4, 8
"""Flights of one route and day."""

_NUMBER = re.compile(
    r"(?P<airline>[A-Z]{2})-(?P<origin>[A-Za-z0-9_]+)-(?P<destination>[A-Za-z0-9_]+)-(?P<day>\d{8})-(?P<number>\d)"
)


@dataclass(frozen=True, slots=True)
class Flight:
    """One flight. Times are in the zone of their place."""

    flight_id: str
    airline: str
    number: str
    origin: Place
    destination: Place
    departure: datetime
    arrival: datetime
    stops: int
    amount: float
    seats_left: int

    def shown(self, passengers: int = 1) -> dict[str, Any]:
        """As a tool answers it; the price is that of all passengers."""
        return {
            "flightId": self.flight_id,
            "airline": self.airline,
            "flightNumber": self.number,
            "origin": self.origin.name,
            "originCode": self.origin.code,
            "destination": self.destination.name,
            "destinationCode": self.destination.code,
            "departure": self.departure.isoformat(),
            "arrival": self.arrival.isoformat(),
            "durationMinutes": int((self.arrival - self.departure).total_seconds() // 60),
            "stops": self.stops,
            "price": {"amount": round(self.amount * passengers, 2), "currency": "EUR"},
            "seatsLeft": self.seats_left,
        }


def flights(origin: str, destination: str, day: date) -> list[Flight]:
    """All of this day, by their departure. Raises ValueError when this is no journey."""
    there, here = place(destination), place(origin)
    if there == here:
        raise ValueError(f"{here.name} is where the journey begins")
    found = [_flight(here, there, day, number) for number in range(_chance(here, there, day).randint(FEWEST, MOST))]
    return sorted(found, key=lambda flight: flight.departure)


def flight(flight_id: str) -> Flight | None:
    """The flight of this id, if the timetable has it."""
    match = _NUMBER.fullmatch(flight_id)
    if match is None:
        return None
    try:
        day = datetime.strptime(match["day"], "%Y%m%d").replace(tzinfo=UTC).date()
        listed = flights(coded(match["origin"]).name, coded(match["destination"]).name, day)
    except (ValueError, OverflowError):
        return None
    return next((each for each in listed if each.flight_id == flight_id), None)


def status(known: Flight, now: datetime) -> dict[str, Any]:
    """How the flight stands at this moment: as made up as itself, and always the same for the same moment."""
    late = Random(f"late {known.flight_id}").choice((0, 0, 0, 0, 10, 25, 55))  # noqa: S311 - a timetable is no secret
    departure, arrival = known.departure + timedelta(minutes=late), known.arrival + timedelta(minutes=late)
    if now >= arrival:
        state = "landed"
    elif now >= departure:
        state = "in the air"
    elif now >= departure - timedelta(minutes=40):
        state = "boarding"
    else:
        state = "delayed" if late and now >= departure - timedelta(hours=6) else "scheduled"
    told = late if state != "scheduled" else 0
    gate = f"{'ABC'[late % 3]}{1 + len(known.flight_id) % 30}"
    return {
        "flightId": known.flight_id,
        "status": state,
        "departure": known.departure.isoformat(),
        "arrival": known.arrival.isoformat(),
        "delayMinutes": told,
        "gate": gate,
    }


def _chance(origin: Place, destination: Place, day: date, number: int = -1) -> Random:
    seed = sha256(f"{origin.name}|{destination.name}|{day.isoformat()}|{number}".encode()).digest()
    return Random(seed)  # noqa: S311 - a timetable is no secret


def _flight(origin: Place, destination: Place, day: date, number: int) -> Flight:
    chance = _chance(origin, destination, day, number)
    airline, code, dear = chance.choice(AIRLINES)
    distance = max(kilometres(origin, destination), 150.0)
    stops = int(chance.random() < (0.25 if distance < 6_000 else 0.6))
    minutes = 35 + distance / 13.5 + stops * chance.randint(70, 200)
    leaves = datetime.combine(day, time(6), ZoneInfo(origin.zone)) + timedelta(minutes=5 * chance.randint(0, 190))
    arrives = (leaves.astimezone(UTC) + timedelta(minutes=5 * round(minutes / 5))).astimezone(ZoneInfo(destination.zone))
    early = 0.85 if leaves.hour < 8 or leaves.hour >= 20 else 1.0
    weekend = 1.2 if day.weekday() in (4, 6) else 1.0
    amount = (28 + distance**0.9 * 0.14) * dear * early * weekend * (0.8 if stops else 1.0) * chance.uniform(0.85, 1.25)
    return Flight(
        flight_id=f"{code}-{code_of(origin)}-{code_of(destination)}-{day:%Y%m%d}-{number}",
        airline=airline,
        number=f"{code} {100 + chance.randint(0, 899)}",
        origin=origin,
        destination=destination,
        departure=leaves,
        arrival=arrives,
        stops=stops,
        amount=round(amount, 2),
        seats_left=chance.randint(1, 9),
    )
