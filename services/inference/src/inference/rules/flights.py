"""Flights: searched by whatever tool does that, shown as they were ranked."""

import re
from datetime import timedelta
from typing import Any, Final, cast

from inference.rules.heard import Ask, Heard, Rule, Said, Script, doubted, noted, rule
from inference.rules.moments import Reading, day_said, read
from inference.rules.toolbox import Call, Result
from inference.rules.wording import Wording

SHOWN: Final = 5
MOST_DAYS: Final = 31
NO_TOOL: Final = (
    "I can't look for flights: there is no tool for it here. `./colloquy up` starts one with a made-up timetable unless it is "
    "told `--no-flights`; any MCP server that has flights will do (INFERENCE_TOOL_SERVERS)."
)

_RETURN = re.compile(r"(?<![^ ])(?:returning|return|coming back|back|and back|zurück)(?![^ ])")
_PEOPLE = re.compile(
    r"(?<![^ ])(?:for|with|für) (?P<count>[1-9])(?: (?:people|persons?|passengers?|adults?|travell?ers?"
    r"|personen|leute))(?![^ ])|(?<![^ ])for (?P<two>two|both) of us(?![^ ])"
)
_FROM = re.compile(r"(?<![^ ])(?:from|ab|von) (?P<origin>.+?)(?= (?:to|nach|into) |\Z)")
_TO = re.compile(r"(?<![^ ])(?:to|nach|into|for) (?P<destination>.+?)(?= (?:from|ab|von) |\Z)")


def _find(heard: Heard) -> Script | Said:
    travellers, words = _travellers(heard.words())
    there, back = _parted(words)
    route, asked = _read(there, heard)
    origin, destination = _route(route)
    if not destination:
        return Ask("Where do you want to fly to?", "find flights to", free=True)
    to = f"to {destination}" + (f" from {origin}" if origin else "")
    if asked is None:
        return Ask(f"When do you want to fly {to}?", f"find flights {to}")
    if question := doubted(asked, f"find flights {to}"):
        return question
    returning = _read(back, heard, after=asked)[1] if back else None
    tool = heard.tools.flights()
    if tool is None:
        return NO_TOOL
    given = {"origin": origin or None, "destination": destination, "passengers": travellers}
    return _found(heard, tool, given, asked, returning)


def _book(heard: Heard) -> Script | Said:
    tool, flight, who = heard.tools.booking(), heard.said("flight"), heard.said("who")
    if tool is None:
        return "I can't book flights: there is no tool for it here."
    return _booked(tool, flight, who) if who else Ask("In whose name?", f"book flight {flight} for", free=True)


def _booked(tool: str, flight: str, who: str) -> Script:
    answers = yield (Call(tool, {"flightId": flight, "passenger": who}),)
    code = _text(answers[0].mapping, "confirmation", "bookingId", "reference", "pnr")
    notice = _text(answers[0].mapping, "notice")
    return (
        f"Flight {flight} is booked for {who}."
        + (f" Confirmation: **{code}**." if code else "")
        + (f"\n\n_{notice}_" if notice else "")
    )


def _parted(words: Wording) -> tuple[Wording, Wording | None]:
    """The way there, and the way back."""
    match = _RETURN.search(words.text)
    if match is None:
        return words, None
    return words.between(0, match.start()), words.between(match.end(), len(words.text))


def _travellers(words: Wording) -> tuple[int, Wording]:
    match = _PEOPLE.search(words.text)
    if match is None:
        return 1, words
    return int(match["count"]) if match["count"] else 2, words.without([match.span()])


def _read(words: Wording, heard: Heard, after: Reading | None = None) -> tuple[Wording, Reading | None]:
    now = heard.now if after is None else after.start
    reading, rest = read(words, now)
    return rest, reading


def _route(words: Wording) -> tuple[str, str]:
    """Origin and destination as they were said."""
    text = words.text
    origin, destination = _FROM.search(text), _TO.search(text)
    said_from = words.between(*origin.span("origin")).original if origin else ""
    said_to = words.between(*destination.span("destination")).original if destination else ""
    if not destination and not origin:
        said_to = words.original
    return _place(said_from), _place(said_to)


def _place(said: str) -> str:
    """`paris` becomes `Paris`: who types or speaks carelessly means the town all the same."""
    said = re.sub(r"\s+(?:please|bitte)\Z", "", said, flags=re.IGNORECASE)
    return " ".join(word[:1].upper() + word[1:] for word in said.split()) if said == said.lower() else said


def _found(heard: Heard, tool: str, given: dict[str, Any], asked: Reading, returning: Reading | None) -> Script:
    first = max(asked.start.date(), heard.now.date())
    last = min((asked.end - timedelta(seconds=1)).date() if asked.kind == "span" else first, first + timedelta(days=MOST_DAYS))
    arguments = {
        **given,
        "departureDate": first.isoformat(),
        "returnDate": returning.start.date().isoformat() if returning else None,
    }
    ranged = last > first and heard.tools.has_place(tool, "departureDateTo")
    if ranged:
        arguments["departureDateTo"] = last.isoformat()
    if arguments["passengers"] == 1:
        del arguments["passengers"]
    answers = yield (Call(tool, arguments),)
    when = f"{day_said(first)} to {day_said(last)}" if ranged else day_said(first)
    if last > first and not ranged:
        when += f" (the first day; name another one until {day_said(last)} to look at that)"
    way = f"from {given['origin']} to {given['destination']}" if given["origin"] else f"to {given['destination']}"
    back = f", back on {day_said(returning.start.date())}" if returning else ""
    return _told(answers[0], f"{way}, {when}{back}", heard) + noted(asked)


def _told(result: Result, asked: str, heard: Heard) -> str:
    search, trip = result.mapping, result.mapping.get("trip")
    found = Result("", trip) if isinstance(trip, dict) else result
    flights = found.listed("rankedFlights", "flights", "offers", "results", "itineraries", "data")
    if not flights and search.get("status") in ("queued", "running", "waiting", "sleeping"):
        return f"I am looking for flights {asked}. It takes a little; they will be in your travel suggestions."
    problem = found.mapping.get("problem")
    if not flights:
        return f"I found no flights {asked}." + (f" {problem}" if problem else "")
    notice = next(
        (str(each[key]) for each in (found.mapping, search) for key in ("notice", "note", "disclaimer") if each.get(key)), ""
    )
    lines = [f"{place}. {_line(flight)}" for place, flight in enumerate(flights[:SHOWN], start=1)]
    more = [f"\n{len(flights) - SHOWN} more were found."] if len(flights) > SHOWN else []
    return "\n".join([f"Flights {asked}:", "", *lines, *more, *([f"\n_{notice}_"] if notice else [])])


def _line(flight: dict[str, Any]) -> str:
    airline = _text(flight, "airline", "carrier", "airlineName", "name")
    number = _text(flight, "flightNumber", "number", "flightId", "id")
    times = " → ".join(
        part for part in (_time(flight, "departure", "departureTime"), _time(flight, "arrival", "arrivalTime")) if part
    )
    parts = [
        f"**{airline or number}**" + (f" {number}" if airline and number else ""),
        times,
        _stops(flight),
        _price(flight.get("price")),
    ]
    reason = _text(flight, "reasoning", "reason")
    return ", ".join(part for part in parts if part) + (f" – {reason}" if reason else "")


def _text(flight: dict[str, Any], *keys: str) -> str:
    return next((str(flight[key]) for key in keys if isinstance(flight.get(key), str | int) and flight[key] != ""), "")


def _time(flight: dict[str, Any], *keys: str) -> str:
    """As the airline gives it, in the place's own time."""
    value: Any = next((flight[key] for key in keys if flight.get(key)), "")
    if isinstance(value, dict):
        value = next((each for each in cast("dict[str, Any]", value).values() if isinstance(each, str) and "T" in each), "")
    match = re.match(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)", str(value))
    return f"{match[1]} {match[2]}" if match else str(value)


def _stops(flight: dict[str, Any]) -> str:
    stops = flight.get("stops")
    return "" if not isinstance(stops, int) else "direct" if stops == 0 else "1 stop" if stops == 1 else f"{stops} stops"


def _price(price: object) -> str:
    if isinstance(price, dict):
        fields = cast("dict[str, Any]", price)
        return f"{fields.get('amount', '')} {fields.get('currency', '')}".strip()
    return str(price) if isinstance(price, int | float | str) else ""


_FLIGHT = r"(?:flights?|plane tickets?|airfares?|flug|flüge)"
RULES: Final[list[Rule]] = [
    *rule(_book, r"book (?:the )?flight (?P<flight>[^ ]*\d[^ ]*)(?: for(?P<who> .+)?)?"),
    *rule(
        _find,
        (
            rf"(?:find|search|look|show|get|list|check|book|need|want)(?: me)?(?: for| up)?(?: a| an| the| some"
            rf"| any)?(?: cheap| direct| return)* {_FLIGHT}(?P<x>(?: .+)?)"
        ),
        rf"(?:are there|i need|i want|i would like|is there)(?: a| an| any| some)?(?: cheap| direct)* {_FLIGHT}(?P<x>(?: .+)?)",
        rf"{_FLIGHT}(?P<x> .+)",
        r"(?:i (?:want|need|have|would like) to )?fly (?P<x>(?:to|from|nach) .+)",
        rf"(?:finde?|suche?|zeige?)(?: mir)?(?: ein(?:en)?)? {_FLIGHT}(?P<x>(?: .+)?)",
        example="find flights to Paris next week",
    ),
]
