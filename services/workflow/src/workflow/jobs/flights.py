"""Flights: read out of what a tool has answered, and ranked by what a person wishes and has to do. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from hashlib import sha256
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from shared.contract.person import CalendarEvent
from shared.contract.trip import Price, RankedFlight
from workflow.jobs.tooling import entries, first_of, moment_of

MOST_READ: Final = 200
MOST_RANKED: Final = 10
SPARE: Final = timedelta(hours=2)
"""Between an arrival and what one travels for."""

_ISO_DURATION = re.compile(r"P(?:(\d{1,2})D)?T?(?:(\d{1,3})H)?(?:(\d{1,4})M)?")


@dataclass(frozen=True, slots=True)
class Flight:
    """A flight as it was offered. Times without an offset are those of the place where the person lives."""

    flight_id: str
    airline: str
    departure: str
    arrival: str
    amount: float
    currency: str
    stops: int | None = None
    minutes: int | None = None
    offer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person prefers (preference `travel`), does meanwhile, and travels for."""

    max_price: float | None = None
    max_stops: int | None = None
    airlines: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    earliest: str | None = None
    latest: str | None = None
    zone: ZoneInfo = ZoneInfo("UTC")  # noqa: RUF009 - immutable
    busy: tuple[CalendarEvent, ...] = ()
    purpose: CalendarEvent | None = None


def wishes_of(preference: Any, zone: ZoneInfo, events: Sequence[CalendarEvent], purpose: CalendarEvent | None) -> Wishes:
    """What to rank by. `preference` may be anything."""
    given = cast("dict[str, Any]", preference) if isinstance(preference, dict) else {}
    busy = tuple(event for event in events if event.kind == "event" and not event.warm_only and not _is(event, purpose))
    return Wishes(
        max_price=given.get("maxPrice"),
        max_stops=given.get("maxStops"),
        airlines=tuple(given.get("airlines") or ()),
        avoid=tuple(given.get("avoidAirlines") or ()),
        earliest=given.get("earliest"),
        latest=given.get("latest"),
        zone=zone,
        busy=busy,
        purpose=purpose,
    )


def _is(event: CalendarEvent, purpose: CalendarEvent | None) -> bool:
    return purpose is not None and event.id in (purpose.id, purpose.source_event_id)


# --- reading ---------------------------------------------------------------------------------------------------------


def flights_of(result: Any) -> list[Flight]:
    """Every flight of an answer that has a price and times, each once."""
    found: dict[str, Flight] = {}
    for item in (entries(result, ("flights", "offers", "results", "itineraries", "rankedFlights")) or [])[:MOST_READ]:
        flight = _flight(item)
        if flight is not None:
            found.setdefault(flight.flight_id, flight)
    return list(found.values())


def _flight(item: Mapping[str, Any]) -> Flight | None:
    departure = moment_of(first_of(item, "departure.time", "departure.at", "departureTime", "departure_time", "departure"))
    arrival = moment_of(first_of(item, "arrival.time", "arrival.at", "arrivalTime", "arrival_time", "arrival"))
    price = _price(item)
    if departure is None or arrival is None or price is None:
        return None
    airline = first_of(item, "airline.name", "airline.code", "airline", "carrier.name", "carrier", "airlineName") or "?"
    identity = first_of(item, "flightId", "flight_id", "id", "offerId", "flightNumber", "flight_number")
    named = str(identity)[:500] if isinstance(identity, (str, int)) and identity else None
    text = f"{airline} {departure} {arrival} {price}"
    return Flight(
        flight_id=_id(identity) or sha256((named or text).encode()).hexdigest()[:16],
        offer_id=None if _id(identity) else named,
        airline=str(airline)[:100],
        departure=departure.isoformat(),
        arrival=arrival.isoformat(),
        amount=price[0],
        currency=price[1],
        stops=_whole(first_of(item, "stops", "numberOfStops", "number_of_stops")),
        minutes=_minutes(first_of(item, "durationMinutes", "duration_minutes", "duration")),
    )


def _id(value: Any) -> str | None:
    """One that may stand in an address."""
    text = str(value) if isinstance(value, (str, int)) else ""
    return text if re.fullmatch(r"[A-Za-z0-9._~-]{1,100}", text) else None


def _price(item: Mapping[str, Any]) -> tuple[float, str] | None:
    amount = first_of(item, "price.amount", "price.total", "price.value", "amount", "totalPrice", "price")
    currency = first_of(item, "price.currency", "currency") or "EUR"
    try:
        number = float(amount)
    except (TypeError, ValueError):
        return None
    return (round(number, 2), str(currency)[:8]) if 0 <= number < 10_000_000 else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 100 else None


def _minutes(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 < value < 10_000 else None
    match = _ISO_DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes = (int(part or 0) for part in match.groups())
    return days * 1_440 + hours * 60 + minutes


# --- ranking ---------------------------------------------------------------------------------------------------------


def ranked(flights: Sequence[Flight], wishes: Wishes) -> list[RankedFlight]:
    """The best first, each with its reasons. A hundred points, less what speaks against a flight."""
    if not flights:
        return []
    cheapest, dearest = min(each.amount for each in flights), max(each.amount for each in flights)
    scored: list[tuple[float, Flight, str]] = []
    for flight in flights:
        reasons = list(_reasons(flight, wishes, cheapest, dearest))
        points = max(0.0, min(100.0, round(100 + sum(weight for weight, _ in reasons), 1)))
        said = "; ".join(words for _, words in sorted(reasons, key=lambda reason: -abs(reason[0])) if words)
        scored.append((points, flight, said[:1].upper() + said[1:] + "."))
    scored.sort(key=lambda each: (-each[0], each[1].amount, each[1].departure, each[1].flight_id))
    return [_placed(rank, *each) for rank, each in enumerate(scored[:MOST_RANKED], start=1)]


def _placed(rank: int, points: float, flight: Flight, reasoning: str) -> RankedFlight:
    return RankedFlight(
        rank=rank,
        flight_id=flight.flight_id,
        airline=flight.airline,
        departure=flight.departure,
        arrival=flight.arrival,
        price=Price(amount=flight.amount, currency=flight.currency),
        score=points,
        reasoning=reasoning[:400],
        offer_id=flight.offer_id,
        stops=flight.stops,
        duration_minutes=flight.minutes,
    )


Reason = tuple[float, str]


def _reasons(flight: Flight, wishes: Wishes, cheapest: float, dearest: float) -> Iterator[Reason]:
    yield from _of_price(flight, wishes, cheapest, dearest)
    yield from _of_comfort(flight, wishes)
    yield from _of_times(flight, wishes)
    yield from _of_calendar(flight, wishes)


def _of_price(flight: Flight, wishes: Wishes, cheapest: float, dearest: float) -> Iterator[Reason]:
    more = flight.amount - cheapest
    if more <= 0:
        yield 0, f"the cheapest at {flight.amount:g} {flight.currency}"
    else:
        yield -40 * more / max(dearest - cheapest, cheapest, 1), f"{more:g} {flight.currency} more than the cheapest"
    if wishes.max_price is not None and flight.amount > wishes.max_price:
        yield -25, f"above your limit of {wishes.max_price:g}"


def _of_comfort(flight: Flight, wishes: Wishes) -> Iterator[Reason]:
    if flight.stops is not None:
        yield -8 * flight.stops, "direct" if flight.stops == 0 else f"{flight.stops} stop{'s' if flight.stops > 1 else ''}"
        if wishes.max_stops is not None and flight.stops > wishes.max_stops:
            yield -20, "more stops than you want"
    if _names(flight.airline, wishes.avoid):
        yield -50, f"{flight.airline} is an airline that you avoid"
    elif _names(flight.airline, wishes.airlines):
        yield 10, f"{flight.airline} is an airline that you like"


def _names(airline: str, names: Sequence[str]) -> bool:
    return any(name.casefold() == airline.casefold() or name.casefold() in airline.casefold().split() for name in names)


def _of_times(flight: Flight, wishes: Wishes) -> Iterator[Reason]:
    departure, arrival = _local(flight.departure, wishes.zone), _local(flight.arrival, wishes.zone)
    if wishes.earliest is not None and departure.time() < time.fromisoformat(wishes.earliest):
        yield -10, f"leaves before {wishes.earliest}"
    if wishes.latest is not None and (arrival.time() > time.fromisoformat(wishes.latest) or arrival.date() > departure.date()):
        yield -10, f"arrives after {wishes.latest}"


def _of_calendar(flight: Flight, wishes: Wishes) -> Iterator[Reason]:
    departure, arrival = _local(flight.departure, wishes.zone), _local(flight.arrival, wishes.zone)
    clash = next((event for event in wishes.busy if event.start < arrival and departure < event.end), None)
    if clash is not None:
        begins = clash.start.astimezone(wishes.zone)
        yield -25, f"at the same time as “{clash.title[:60]}” ({begins:%H:%M})"
    if wishes.purpose is None or _is_whole_day(wishes.purpose):
        return
    spare = wishes.purpose.start - arrival
    if spare < timedelta():
        yield -70, "arrives after what you travel for has begun"
    elif spare < SPARE:
        yield -15, f"only {spare.seconds // 60} minutes before what you travel for"
    else:
        yield 0, "arrives in time for what you travel for"


def _is_whole_day(event: CalendarEvent) -> bool:
    return event.end - event.start >= timedelta(hours=23)


def _local(text: str, zone: ZoneInfo) -> datetime:
    """As the airline gives it, in the zone it names; without one in the person's."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)
