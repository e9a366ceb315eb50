"""The MCP server: three tools over the made-up timetable."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from flights import timetable
from flights.bookings import Bookings, Refused

NOTICE: Final = "Made up: this is the example timetable of Colloquy. No such flight exists, and nothing is paid."
KEY: Final = "colloquy/idempotencyKey"
MOST_DAYS: Final = 31
SHOWN: Final = 40
"""Flights of one answer."""

AHEAD: Final = timedelta(days=3 * 366)
"""How far away a day may be."""

Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
Town = Annotated[str, Field(min_length=1, max_length=80)]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the tools need from the world. `home`: where journeys begin when nobody says."""

    bookings: Bookings
    home: str
    now: Callable[[], datetime]


def server(desk: Desk) -> MCPServer:
    """The server with its tools."""
    made = MCPServer("colloquy-flights", title="Flights (made up)", instructions=NOTICE, version="0.1.0", log_level="WARNING")

    @made.tool(annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
    def search_flights(
        destination: Annotated[Town, Field(description="A town, or the code of an airport.")],
        departureDate: Annotated[Day, Field(description="YYYY-MM-DD, the day of the flight there.")],  # noqa: N803
        origin: Annotated[Town | None, Field(description="Where the journey begins; the traveller's home if left out.")] = None,
        departureDateTo: Annotated[Day | None, Field(description="Last day to leave on, to look at several days.")] = None,  # noqa: N803
        returnDate: Annotated[Day | None, Field(description="YYYY-MM-DD, the day of the flight back.")] = None,  # noqa: N803
        passengers: Annotated[int, Field(ge=1, le=9)] = 1,
    ) -> dict[str, Any]:
        """Search the example timetable for flights. The flights are made up (synthetic): none of them exists."""
        return searched(desk, (origin, destination), (departureDate, departureDateTo, returnDate), passengers)

    @made.tool(
        annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    )
    def book_flight(
        flightId: Annotated[str, Field(max_length=200, description="The id that search_flights gave.")],  # noqa: N803
        passenger: Annotated[str, Field(min_length=1, max_length=200, description="The traveller's name.")],
        context: Context[Any, Any],
    ) -> dict[str, Any]:
        """Book a seat on a flight of the example timetable. Nothing real is booked or paid (synthetic)."""
        return booked(desk, flightId, passenger.strip(), _key(context))

    @made.tool(annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
    def flight_status(
        flightId: Annotated[str, Field(max_length=200, description="The id of a flight, or the confirmation of a booking.")],  # noqa: N803
    ) -> dict[str, Any]:
        """How a flight of the example timetable stands now. It is made up (synthetic)."""
        booking = desk.bookings.of(flightId)
        return {"notice": NOTICE, **timetable.status(_known(booking.flight_id if booking else flightId), desk.now())}

    return made


def searched(
    desk: Desk, route: tuple[str | None, str], days: tuple[str, str | None, str | None], passengers: int
) -> dict[str, Any]:
    """What search_flights answers. Raises ToolError."""
    origin, destination = route[0] or desk.home, route[1]
    try:
        first = date.fromisoformat(days[0])
        last = date.fromisoformat(days[1]) if days[1] else first
        back = date.fromisoformat(days[2]) if days[2] else None
        _check(desk, first, last, back)
        there = [flight for day in _days(first, last) for flight in timetable.flights(origin, destination, day)]
        returning = timetable.flights(destination, origin, back) if back else []
    except ValueError as error:
        raise ToolError(f"{error}.") from None
    answer: dict[str, Any] = {
        "notice": NOTICE,
        "origin": there[0].origin.name,
        "destination": there[0].destination.name,
        "departureDate": days[0],
        "passengers": passengers,
        "flights": [flight.shown(passengers) for flight in there[:SHOWN]],
    }
    if route[0] is None:
        answer["originAssumed"] = True
    if back:
        answer |= {"returnDate": days[2], "returnFlights": [flight.shown(passengers) for flight in returning]}
    return answer


def _check(desk: Desk, first: date, last: date, back: date | None) -> None:
    today = desk.now().date()
    if not today - timedelta(days=1) <= first <= today + AHEAD:  # It may still be yesterday where the journey begins.
        raise ValueError(f"the timetable begins today and goes {AHEAD.days} days ahead; {first} is not in it")
    if not first <= last <= first + timedelta(days=MOST_DAYS):
        raise ValueError(f"departureDateTo is no more than {MOST_DAYS} days after departureDate")
    if back is not None and not first <= back <= first + AHEAD:
        raise ValueError("nobody returns before they left")


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def booked(desk: Desk, flight_id: str, passenger: str, key: str | None) -> dict[str, Any]:
    """What book_flight answers. Raises ToolError."""
    known = _known(flight_id)
    if not passenger:
        raise ToolError("A booking needs a name.")
    try:
        booking = desk.bookings.book(flight_id, passenger, key)
    except Refused as refused:
        raise ToolError(str(refused)) from None
    return {
        "notice": NOTICE,
        "status": "booked",
        "confirmation": booking.confirmation,
        "passenger": booking.passenger,
        "flight": known.shown(),
    }


def _known(flight_id: str) -> timetable.Flight:
    known = timetable.flight(flight_id)
    if known is None:
        raise ToolError("There is no such flight in the timetable.")
    return known


def _key(context: Context[Any, Any]) -> str | None:
    meta: Any = context.request_context.meta
    key = meta.get(KEY) if meta else None
    return key if isinstance(key, str) and key else None
