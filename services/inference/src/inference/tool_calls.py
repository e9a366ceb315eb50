"""Puts tool calls together that come whole or in pieces, in every way that servers cut them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast, get_args

from pydantic_core import to_json

from inference.delta import ToolCall
from inference.failure import UpstreamMalformed
from shared.contract.person import Action, ActionName

CALL_CAP: Final = 256 * 1024
"""Bytes of one call as JSON; it has to fit into a NATS message."""

CALLS_CAP: Final = 128

STORED_CAP: Final = 64 * 1024
"""Bytes of all calls that are stored with a message: its end is one NATS message, with the whole text."""

_ACTIONS: Final = frozenset(get_args(ActionName))


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: str = ""
    told: bool = False
    tries: int = 8
    """How often it is looked whether the last call is complete already: some servers cut behind every bracket."""


class ToolCalls:
    """The calls of one answer as their pieces arrive."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._open: dict[int, _Call] = {}
        self._told = 0

    def add(self, parts: object) -> None:
        """The value of `tool_calls` of one chunk. Raises UpstreamMalformed when there is too much of it."""
        if isinstance(parts, list):
            for part in cast("list[Any]", parts):
                if isinstance(part, dict):
                    self._add(cast("dict[str, Any]", part))

    def whole(self) -> list[ToolCall]:
        """The calls that surely are complete by now, in their order: the next one has begun, or it came in one piece."""
        ready: list[ToolCall] = []
        while self._told < len(self._calls):
            call = self._calls[self._told]
            if self._told == len(self._calls) - 1 and not (call.arguments.endswith("}") and call.tries):
                break
            call.tries = max(0, call.tries - 1)
            try:
                ready.append(self._tell(call))
            except UpstreamMalformed:
                break  # It may go on; at the end it is a failure.
        return ready

    def complete(self) -> list[ToolCall]:
        """All others, with ids where the server gave none. Raises UpstreamMalformed when one was never closed."""
        return [self._tell(call) for call in self._calls[self._told :]]

    def _tell(self, call: _Call) -> ToolCall:
        told = ToolCall(call.id or f"call_{self._told}", call.name, call.arguments or "{}")
        _check(told)
        call.told = True
        self._told += 1
        return told

    def __bool__(self) -> bool:
        return bool(self._calls)

    def _add(self, part: dict[str, Any]) -> None:
        function = part.get("function")
        fields = cast("dict[str, Any]", function) if isinstance(function, dict) else part
        call_id, name, arguments = _text(part.get("id")), _text(fields.get("name")), fields.get("arguments")
        if not call_id and not name and not arguments:
            return  # Workers AI ends its calls with one that is all null.
        call = self._call(part.get("index"), call_id)
        # Some servers repeat id and name in every piece: they are set once, never appended.
        call.id = call.id or call_id
        call.name = call.name or name
        piece = arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""
        if call.told and piece.strip():
            raise UpstreamMalformed("a tool call that goes on after its end")
        call.arguments += piece
        if len(call.arguments) > CALL_CAP:
            raise UpstreamMalformed("a tool call without end")

    def _call(self, index: object, call_id: str) -> _Call:
        place = index if isinstance(index, int) else len(self._open) if call_id else len(self._open) - 1
        call = self._open.get(place)
        if call is None or (call_id and call.id and call_id != call.id):
            if len(self._calls) == CALLS_CAP:
                raise UpstreamMalformed("too many tool calls")
            call = self._open[place] = _Call()
            self._calls.append(call)
        return call


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _check(call: ToolCall) -> None:
    """Raises UpstreamMalformed unless it can be written as an event: no half characters, no bottomless nesting."""
    try:
        arguments: object = json.loads(call.arguments)
        size = len(to_json([call.id, call.name, arguments]))
    except (ValueError, RecursionError):  # PydanticSerializationError is a ValueError
        raise UpstreamMalformed("a tool call that can't be read") from None
    if not call.name or not isinstance(arguments, dict) or size > CALL_CAP:
        raise UpstreamMalformed("a tool call that can't be read")


def told_of(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    """The calls as they are stored with the message; no more than fit into its end."""
    told: list[dict[str, Any]] = []
    room = STORED_CAP
    for call in calls:
        room -= len(call.arguments.encode()) + len(call.name) + len(call.id)
        if room < 0:
            break
        told.append({"id": call.id, "name": call.name, "arguments": json.loads(call.arguments)})
    return told


def asked_for(calls: Sequence[ToolCall]) -> list[Action]:
    """The calls that memory itself carries out."""
    return [Action(event=call["name"], payload=call["arguments"]) for call in told_of(calls) if call["name"] in _ACTIONS]
