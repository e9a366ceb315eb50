"""What travels on a stream, as an AsyncAPI document: every event by its name, with its fields, out of the contract."""

from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from shared import __version__
from shared.contract.event import ConversationEvent, Event
from shared.contract.events import EVENTS

DESCRIPTION = """The events of a user, as `GET /api/v1/stream` and `GET /api/v1/stream/{conversationId}` send them:
`id:` is a cursor, `event:` the name of the message, `data:` its payload. `WS /ws` sends the same as `{"type", "id", "data"}`.
In NATS each is published under `live.…` once it is stored, with its name in the header `Event-Type`."""

ENDS: dict[str, tuple[str, dict[str, Any]]] = {
    "done": ("The stream ended because `until` was reached.", {}),
    "reset": (
        "This cursor can't be continued: load `GET /api/v1/state` and go on from its cursor.",
        {"reason": {"type": "string"}},
    ),
    "reconnect": ("The server is about to restart: come back with your cursor.", {}),
}
"""What the gateway itself says; these have no id."""


@cache
def document() -> dict[str, Any]:
    """The document, in AsyncAPI 3."""
    everything = [*EVENTS, *ENDS]
    of_conversations = [name for name, event in EVENTS.items() if issubclass(event, ConversationEvent)]
    addresses = {
        "user": ("/api/v1/stream", "Everything of the caller.", everything),
        "conversation": ("/api/v1/stream/{conversationId}", "One conversation of the caller.", [*of_conversations, *ENDS]),
        "live": ("live.{shard}.{user}.>", "In NATS; `live.*.*.*.*.event` has the facts without the tokens.", [*EVENTS]),
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Colloquy", "version": __version__, "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {name: _channel(*channel) for name, channel in addresses.items()},
        "operations": {
            f"{name}Events": {"action": "send", "channel": {"$ref": f"#/channels/{name}"}, "summary": summary}
            for name, (_, summary, _) in addresses.items()
        },
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _channel(address: str, summary: str, names: list[str]) -> dict[str, Any]:
    parameters: dict[str, Any] = {part.partition("}")[0]: {} for part in address.split("{")[1:]}
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    return {"address": address, "summary": summary, "parameters": parameters, "messages": messages}


def _messages() -> dict[str, Any]:
    facts = {
        name: {"name": name, "summary": _first(event), "payload": {"$ref": f"#/components/schemas/{event.__name__}"}}
        for name, event in EVENTS.items()
    }
    ends = {
        name: {"name": name, "summary": summary, "payload": {"type": "object", "properties": fields, "required": [*fields]}}
        for name, (summary, fields) in ENDS.items()
    }
    return facts | ends


def _first(event: type[Event]) -> str:
    return (event.__doc__ or "").partition("\n")[0]


def _schemas() -> dict[str, Any]:
    every = [(event, "serialization") for event in EVENTS.values()]
    _, made = models_json_schema(every, ref_template="#/components/schemas/{model}")  # pyright: ignore[reportArgumentType]
    schemas: dict[str, Any] = made["$defs"]
    for schema in schemas.values():  # events may have more fields at any time
        if schema.get("additionalProperties") is False:
            del schema["additionalProperties"]
    return schemas
