"""The tools that are built in, as a model is told of them: a person's own state, and work in the background."""

from collections.abc import Mapping
from typing import Any, Final, get_args

from inference.tools.offer import Offered
from shared.contract.person import ActionName
from shared.contract.tools import Tool, ToolPolicy

ACTIONS: Final = frozenset(get_args(ActionName))
"""What memory carries out itself."""

FIND_FLIGHTS_SECONDS: Final = 65.0

_TEXT: Final[dict[str, Any]] = {"type": "string"}
_WHEN: Final = {"type": "string", "description": "A day (2026-01-31), or a moment with its offset (2026-01-31T09:00:00+01:00)."}
_MOMENT: Final = {"type": "string", "description": "A moment with its offset, such as 2026-01-31T09:00:00+01:00."}
_DAY: Final = {"type": "string", "description": "A day, such as 2026-01-31."}
_TAGS: Final = {"type": "array", "items": {"type": "string"}, "maxItems": 32}
_LIMIT: Final = {"type": "integer", "minimum": 1, "maximum": 100}


def _lines(most: int) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "maxItems": most}


def _tool(name: str, description: str, properties: dict[str, Any], *required: str) -> Tool:
    schema = {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}
    return Tool(name=name, description=description, parameters=schema)


_TOOLS: Final = (
    _tool(
        "create_task",
        "Keeps something that the person wants to do or be reminded of.",
        {"title": _TEXT, "due": _WHEN, "tags": _TAGS, "assignee": _TEXT},
        "title",
    ),
    _tool("complete_task", "Marks a task as done. list_tasks has the ids.", {"taskId": _TEXT}, "taskId"),
    _tool("list_tasks", "The person's tasks.", {"status": {"enum": ["open", "completed"]}, "limit": _LIMIT}),
    _tool("create_note", "Keeps a note.", {"text": _TEXT, "title": _TEXT, "tags": _TAGS}, "text"),
    _tool("list_notes", "The person's notes, newest first.", {"limit": _LIMIT}),
    _tool(
        "pin_memory",
        "Remembers a fact about the person in every later conversation; the same type and key replaces it.",
        {"type": _TEXT, "key": _TEXT, "value": {"description": "Any JSON."}},
        "type",
        "key",
        "value",
    ),
    _tool(
        "create_event",
        "Puts an entry into the person's calendar.",
        {"title": _TEXT, "start": _MOMENT, "end": _MOMENT, "location": _TEXT, "description": _TEXT},
        "title",
        "start",
        "end",
    ),
    _tool("list_events", "The person's calendar between two moments.", {"start": _MOMENT, "end": _MOMENT, "limit": _LIMIT}),
    _tool("get_plan", "The person's plan of a day.", {"date": _DAY}, "date"),
    _tool(
        "put_plan",
        "Replaces the person's plan of a day.",
        {"date": _DAY, "priorities": _lines(3), "todos": _lines(5), "notes": _lines(1)},
        "date",
    ),
    _tool("search_memory", "Searches all that the person has said and noted.", {"query": _TEXT, "limit": _LIMIT}, "query"),
    _tool(
        "start_workflow",
        "Begins work in the background: task (params {goal}), reminder (params {text, at} with a moment, or "
        "{text, cron, timezone}), daily_plan, week_summary, or another type that there is.",
        {"type": _TEXT, "params": {"type": "object"}},
        "type",
    ),
    _tool("workflow_status", "How far work in the background is; without an id: what there was lately.", {"id": _TEXT}),
    _tool(
        "find_flights",
        "Finds flights, ranked for the person. Without an origin from their home.",
        {
            "destination": _TEXT,
            "departureDate": _DAY,
            "returnDate": _DAY,
            "origin": _TEXT,
            "travellers": {"type": "integer", "minimum": 1, "maximum": 9},
        },
        "destination",
        "departureDate",
    ),
)

READING: Final = frozenset({"list_tasks", "list_notes", "list_events", "get_plan", "search_memory", "workflow_status"})
"""They change nothing, and send nothing to anybody."""

NAMES: Final = tuple(tool.name for tool in _TOOLS)


def built_in(policies: Mapping[str, ToolPolicy], timeout: float) -> list[Offered]:
    """All of them. Each may be done again under the same key; what comes from outside is flights."""
    return [
        Offered(
            tool.model_copy(update={"policy": policies.get(tool.name, "auto")}),
            original=tool.name,
            idempotent=True,
            taints=tool.name == "find_flights",
            guarded=tool.name not in READING,
            timeout=FIND_FLIGHTS_SECONDS if tool.name == "find_flights" else timeout,
        )
        for tool in _TOOLS
    ]
