"""What the feed says of the order: a guess that makes the search short, and that the search does not have to believe."""

import asyncio
from collections.abc import Hashable

from linearizability.history import Ok, Op
from linearizability.model import State
from linearizability.names import Names
from shared.bus import Bus
from shared.contract.event import Event
from shared.contract.events import EVENTS
from shared.contract.subjects import Subject, conversation_event, state_event

Versions = dict[Hashable, set[int]]
"""For each thing that can happen the versions of the user's state that it led to."""

FEED_SECONDS = 60.0
LOOK_SECONDS = 0.01


async def versions_of(bus: Bus, user: str, conversations: list[str], last: int, names: Names) -> Versions:
    """Everything that the feed says once the version `last` is on it. Each subject has it in the order of versions."""
    async with asyncio.timeout(FEED_SECONDS):
        while not await _arrived(bus, state_event(user, "version"), last):
            await asyncio.sleep(LOOK_SECONDS)
    versions: Versions = {}
    for subject in (*(conversation_event(user, one) for one in conversations), state_event(user, "tasks")):
        events = [EVENTS[name.decode()].decode(data) for _, name, data in await bus.read(subject)]
        told = [event.version or 0 for event in events]
        assert told == sorted(told), f"versions on {subject}: {told}"
        for event in events:
            versions.setdefault(_label(event, names), set()).add(event.version or 0)
    return versions


async def _arrived(bus: Bus, subject: Subject, last: int) -> bool:
    found = await bus.last(subject)
    return found is not None and (EVENTS["state.updated"].decode(found[1]).version or 0) >= last


def _label(event: Event, names: Names) -> Hashable:
    wire = event.wire()
    match event.type_name.split("."):
        case ["message", "created"]:
            return ("message", wire.get("clientMessageId"))
        case ["message", _]:
            return ("end", names.generation(wire["generationId"]))
        case ["conversation", "updated"]:
            return ("title", wire["conversation"].get("title"))
        case ["conversation", "deleted"]:
            return ("deleted", wire["conversationId"])
        case ["task", verb]:
            return (verb, wire["task"]["title"].removeprefix("task "))
        case _:
            return event.type_name


def labels(op: Op, before: State, after: State) -> list[Hashable]:
    """What the feed must say when this operation has this effect."""
    args = op.args
    match op.kind:
        case "send" | "edit":
            return [("message", args["key"])]
        case "rename":
            return [("title", args["title"])]
        case "delete":
            return [("deleted", args["conversation"])]
        case "finish" | "stop":
            return [("end", one.name) for one in after.ended - before.ended]
        case "create_task":
            return [("created", args["key"])]
        case "complete_task":
            return [("updated", args["task"])]
        case "delete_task":
            return [("deleted", args["task"])]
        case _:
            return []


def agrees(versions: Versions, op: Op, before: State, after: State) -> bool:
    """Whether the feed says that this happened now."""
    return all(after.version in versions.get(label, ()) for label in labels(op, before, after))


def last_version(ops: list[Op]) -> int:
    """The newest version that anybody has seen."""
    seen = [op.outcome.value[0] for op in ops if op.kind == "snapshot" and isinstance(op.outcome, Ok)]  # type: ignore[index]
    return max(seen)
