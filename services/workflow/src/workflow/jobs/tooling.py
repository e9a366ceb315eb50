"""Finding the tool for a purpose among those of MCP servers, each of which names things its own way. Pure."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from shared.contract.tools import Tool
from workflow.failure import NonRetryable

PURPOSES: Final[dict[str, re.Pattern[str]]] = {
    "flights": re.compile(r"(search|find|list|query)_?(for_)?flights?(_offers?)?|flights?_?(offers?_)?search"),
    "booking": re.compile(r"(book|reserve|order)_?flights?|flights?_?(booking|order)s?|create_(flight_)?(booking|order)"),
    "calendar": re.compile(r"(list|get|search|find)_?(calendar_)?events?|calendar_?(list|events?)|events_list"),
}
"""What a server may call the tool for a purpose, in small letters and with `_` between words."""

MEANINGS: Final[dict[str, tuple[str, ...]]] = {
    "origin": ("origin", "originlocationcode", "origincode", "from", "fromairport", "departureairport", "source", "depart"),
    "destination": (
        "destination",
        "destinationlocationcode",
        "destinationcode",
        "to",
        "toairport",
        "arrivalairport",
        "arrive",
    ),
    "departureDate": ("departuredate", "departdate", "outbounddate", "date", "startdate", "departure"),
    "returnDate": ("returndate", "inbounddate", "enddate", "return"),
    "passenger": ("passenger", "passengername", "travellername", "travelername", "name"),
    "travellers": ("travellers", "travelers", "passengers", "adults", "pax"),
    "flightId": ("flightid", "offerid", "id", "flight", "flightofferid", "offer"),
    "key": ("idempotencykey", "requestid", "clientreference"),
    "start": ("timemin", "start", "from", "startdate", "starttime", "begin", "since", "after"),
    "end": ("timemax", "end", "to", "enddate", "endtime", "until", "before"),
    "cursor": ("pagetoken", "cursor", "nextpagetoken"),
}
"""What a server may call an argument, without case and signs."""

BUILT_IN: Final = None


def tool_for(purpose: str, tools: Iterable[Tool], named: str | None = None) -> Tool:
    """The tool that the operator has named, or the first of a server whose name says that it serves this.

    Raises NonRetryable.
    """
    offered = [tool for tool in tools if tool.server is not BUILT_IN and tool.policy != "never"]
    wanted = [tool for tool in offered if (tool.name == named if named else _serves(purpose, tool.name))]
    if not wanted:
        what = f"There is no tool {named!r}" if named else f"No tool server offers {purpose}"
        raise NonRetryable(f"{what}: the operator connects one with INFERENCE_TOOL_SERVERS.")
    return wanted[0]


def _serves(purpose: str, name: str) -> bool:
    last = re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+", "_", name.rpartition("__")[2]).lower()
    return PURPOSES[purpose].fullmatch(last) is not None


def arguments_for(tool: Tool, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments under the names that the tool knows; what it does not know is left out. A tool that says nothing of its
    arguments gets them as they are called here."""
    schema = tool.parameters.get("properties")
    given = {key: value for key, value in wanted.items() if value is not None}
    if not isinstance(schema, dict) or not schema:
        return given
    names = {_bare(name): name for name in cast("dict[str, Any]", schema)}
    found = {key: next((names[alias] for alias in MEANINGS[key] if alias in names), None) for key in given}
    return {name: given[key] for key, name in found.items() if name is not None}


def requires(tool: Tool, meaning: str) -> bool:
    """Whether the tool can't do without this argument; of one that says nothing of its arguments nobody knows, so it does."""
    if not tool.parameters.get("properties"):
        return True
    required = cast("list[Any]", tool.parameters.get("required") or [])
    return any(_bare(str(name)) in MEANINGS[meaning] for name in required)


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def value_of(result: Any) -> Any:
    """What a tool has answered as a value: MCP servers often give JSON as text."""
    if isinstance(result, str):
        try:
            return json.loads(result)
        except (ValueError, RecursionError):
            return result
    return result


def entries(result: Any, names: Sequence[str]) -> list[dict[str, Any]] | None:
    """The list of objects in an answer: the answer itself, or what stands under one of these names. None: there is none."""
    value = value_of(result)
    for _ in range(3):
        if isinstance(value, list):
            items = cast("list[Any]", value)
            return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]
        if not isinstance(value, dict):
            return None
        fields = cast("dict[str, Any]", value)
        value = next((value_of(fields[name]) for name in (*names, "result", "data") if name in fields), None)
    return None


def first_of(item: Mapping[str, Any], *names: str) -> Any:
    """The first of these fields that is there; a name with dots goes into objects."""
    for name in names:
        value: Any = item
        for part in name.split("."):
            value = cast("dict[str, Any]", value).get(part) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def moment_of(value: Any) -> datetime | None:
    """A time as servers write it; without an offset when they give none."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        return None
