"""A conversation with the built-in commands, with tools whose answers are given: what the tool loop does, without its wires."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from inference.commands import Reply, reply_to
from shared.contract.objects import PromptCall, PromptMessage
from shared.contract.tools import ToolSpec

NOW = datetime(2026, 11, 28, 15, 45, tzinfo=UTC)
"""A Saturday; 16:45 in Berlin."""

ZONE = "Europe/Berlin"
BUILT_IN = (
    *("create_task", "complete_task", "list_tasks", "create_note", "list_notes", "pin_memory", "create_event", "list_events"),
    *("get_plan", "put_plan", "search_memory", "start_workflow", "workflow_status", "find_flights"),
)


def specs(*names: str, **properties: Sequence[str]) -> tuple[ToolSpec, ...]:
    """Tools without a schema, and tools with these properties."""
    plain = (ToolSpec(name=name) for name in names)
    return (
        *plain,
        *(
            ToolSpec(name=name, parameters={"type": "object", "properties": {each: {} for each in keys}})
            for name, keys in properties.items()
        ),
    )


class Person:
    """Says things; whatever tool is called is answered out of `results`."""

    def __init__(self, results: Mapping[str, Any] | None = None, tools: Sequence[ToolSpec] | None = None) -> None:
        self.results = dict(results or {})
        self.tools = specs(*BUILT_IN) if tools is None else tools
        self.messages: list[PromptMessage] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.now = NOW

    def say(self, text: str) -> str:
        """The whole answer, with all its rounds."""
        self.messages.append(PromptMessage(role="user", text=text))
        self.calls = []
        for _ in range(10):
            reply = self._round()
            said = "".join(reply.words)
            if not reply.calls:
                self.messages.append(PromptMessage(role="assistant", text=said))
                return said
            self._carry_out(reply)
        raise AssertionError("it never ends")

    def _round(self) -> Reply:
        return reply_to(self.messages, self.tools, self.now, ZONE)

    def _carry_out(self, reply: Reply) -> None:
        calls = [PromptCall(id=call.id, name=call.name, arguments=json.loads(call.arguments)) for call in reply.calls]
        self.messages.append(PromptMessage(role="assistant", text="", tool_calls=calls))
        for call in calls:
            self.calls.append((call.name, call.arguments))
            answer = self.results.get(call.name, {"id": "x_1"})
            text = answer if isinstance(answer, str) else json.dumps(answer)
            self.messages.append(PromptMessage(role="tool", text=text, tool_call_id=call.id, name=call.name))
