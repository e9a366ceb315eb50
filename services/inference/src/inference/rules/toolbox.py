"""The tools that are there, and what they answer. Arguments are put where a tool's schema has a place for them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

from shared.contract.tools import ToolSpec

_OTHER_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "taskid": ("id", "task"),
    "text": ("content", "body", "note"),
    "query": ("q", "text", "search"),
    "start": ("from", "since", "starttime", "timemin", "startdate"),
    "end": ("to", "until", "endtime", "timemax", "enddate"),
    "destination": ("to", "arrival", "destinationcity", "arrivalcity", "destinationairport", "arrivalairport", "city"),
    "origin": ("from", "departure", "origincity", "departurecity", "originairport", "departureairport"),
    "departuredate": ("date", "departdate", "departure", "outbounddate", "outbound", "startdate", "day"),
    "returndate": ("return", "inbounddate", "inbound", "enddate"),
    "passengers": ("travellers", "travelers", "adults", "numpassengers", "passengercount"),
    "flightid": ("id", "flight", "offerid"),
    "passenger": ("passengername", "name", "traveller", "traveler"),
    "workflowid": ("id", "workflow"),
    "status": ("state",),
}
"""What other people call the same."""

_FLIGHTS = re.compile(
    r"(?:\A|_)(?:search|find|list|get)_?(?:\w{1,20}_)?flights?\Z|(?:\A|_)flights?_?(?:search|finder|offers)\Z"
)


class Call(NamedTuple):
    """A tool, and what it is given. `may_fail`: what is said afterwards is true without it too."""

    name: str
    arguments: dict[str, Any]
    may_fail: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool answered. `value` is its JSON, or the text where there is none; `problem` is set when it did not work."""

    text: str
    value: Any = None
    problem: str | None = None

    def listed(self, *keys: str) -> list[dict[str, Any]]:
        """The objects of the first of these lists that is there; or the answer itself where that is a list."""
        found = next((self.mapping[key] for key in keys if isinstance(self.mapping.get(key), list)), self.value)
        return _objects(found)

    @property
    def mapping(self) -> dict[str, Any]:
        """The answer where it is an object, else nothing."""
        return cast("dict[str, Any]", self.value) if isinstance(self.value, dict) else {}


def _objects(found: object) -> list[dict[str, Any]]:
    things = cast("list[Any]", found) if isinstance(found, list) else []
    return [cast("dict[str, Any]", thing) for thing in things if isinstance(thing, dict)]


class Toolbox:
    """The tools of one prompt."""

    def __init__(self, specs: Sequence[ToolSpec]) -> None:
        self._specs = {spec.name: spec for spec in specs}

    def __contains__(self, name: str) -> bool:
        return name in self._specs

    @property
    def names(self) -> list[str]:
        """All of them."""
        return list(self._specs)

    def flights(self) -> str | None:
        """The tool that finds flights: our own, else whatever tool of anybody does by its name and schema."""
        if "find_flights" in self._specs:
            return "find_flights"
        able = (
            name for name, spec in self._specs.items() if _FLIGHTS.search(_plain(name, "_")) and _place(spec, "destination")
        )
        return next(able, None)

    def booking(self) -> str | None:
        """The tool that books one flight by its id."""
        able = (name for name, spec in self._specs.items() if "book_flight" in _plain(name, "_") and _place(spec, "flightId"))
        return next(able, None)

    def has_place(self, name: str, argument: str) -> bool:
        """Whether the schema of this tool has a place for the argument."""
        spec = self._specs.get(name)
        return spec is not None and (not _properties(spec) or _place(spec, argument) is not None)

    def fitted(self, call: Call) -> dict[str, Any]:
        """The arguments under the names that the tool has for them, without those that it has no place for."""
        spec = self._specs[call.name]
        given = {name: value for name, value in call.arguments.items() if value is not None}
        if not _properties(spec):
            return given
        placed = ((_place(spec, name), value) for name, value in given.items())
        return {name: _within(spec, name, value) for name, value in placed if name is not None}


def _properties(spec: ToolSpec) -> Mapping[str, Any]:
    properties = spec.parameters.get("properties")
    return cast("dict[str, Any]", properties) if isinstance(properties, dict) else {}


def _within(spec: ToolSpec, name: str, value: Any) -> Any:
    """The value, no larger than the schema has it: how many things may be listed at a time is the tool's to say."""
    schema = _properties(spec)[name]
    most: Any = cast("dict[str, Any]", schema).get("maximum") if isinstance(schema, dict) else None
    return min(value, most) if type(value) is int and type(most) is int else value


def _place(spec: ToolSpec, argument: str) -> str | None:
    names = {_plain(name): name for name in _properties(spec)}
    wanted = _plain(argument)
    return next((names[name] for name in (wanted, *_OTHER_NAMES.get(wanted, ())) if name in names), None)


def _plain(name: str, joint: str = "") -> str:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    return snake.replace("_", joint)


@dataclass(frozen=True, slots=True)
class Answers:
    """What the calls of one step came to, in their order."""

    results: list[Result] = field(default_factory=list[Result])

    def __getitem__(self, place: int) -> Result:
        return self.results[place]


def result_of(text: str) -> Result:
    """Reads a tool's message: JSON, JSON with something around it, the content of MCP, an error, or plain words."""
    value = _content(_json(text))
    if isinstance(value, dict) and (problem := _problem(cast("dict[str, Any]", value))):
        return Result(text, value, problem)
    if value is None and re.match(r"\s*(?:error|failed|rejected|unknown)\b", text, re.IGNORECASE):
        return Result(text, None, _first_line(text))
    return Result(text, text if value is None else value)


def _json(text: str) -> Any:
    """The JSON in it: the whole text, or what lies between the first and the last bracket."""
    begins = min((place for place in (text.find("{"), text.find("[")) if place >= 0), default=-1)
    ends = max(text.rfind("}"), text.rfind("]"))
    for part in (text, text[begins : ends + 1] if 0 <= begins < ends else ""):
        try:
            return json.loads(part)
        except (ValueError, RecursionError):
            continue
    return None


def _content(value: Any) -> Any:
    """What MCP wraps: `structuredContent`, or JSON in a text of `content`."""
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    if isinstance(fields.get("structuredContent"), dict | list):
        return fields["structuredContent"]
    content = fields.get("content")
    if isinstance(content, list):
        texts = [part.get("text") for part in _objects(cast("object", content))]
        inner = "\n".join(text for text in texts if isinstance(text, str))
        found = _json(inner) if not fields.get("isError") else None
        return {"error": inner or "failed"} if fields.get("isError") else inner if found is None else found
    return fields["result"] if set(fields) == {"result"} else fields


def _problem(value: dict[str, Any]) -> str | None:
    """Why it did not work, in a sentence."""
    error = value.get("error")
    if isinstance(error, dict):
        fields = cast("dict[str, Any]", error)
        return str(fields.get("message") or fields.get("code") or "It failed.")
    if isinstance(error, str) and error:
        return error
    if value.get("status") in ("rejected", "failed", "unknown") and set(value) <= {"status", "message", "error", "code"}:
        return str(value.get("message") or value["status"])
    return None


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:300]
