"""The built-in tools, as questions to memory and workflow."""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from inference.lease import insist
from inference.tools.offer import Offered
from inference.tools.outcome import ToolFailed
from shared.bus import Bus
from shared.contract import knowledge, state, workflow
from shared.contract.base import Message
from shared.contract.topics import Call
from shared.errors import BudgetExhausted, Refused, WorkflowExists

USUAL: Final = 20
"""How many of a list a model is given unless it asks for another number."""

FLIGHT_SECONDS: Final = 20.0
"""How long a search is waited for. It goes on when that is over."""

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)
Arguments = dict[str, Any]
Deed = Callable[["BuiltInTools", str, Arguments, str], Awaitable[Message | Arguments]]


class BuiltInTools:
    """What each of them does. All that changes something can be done again under the same key."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def call(self, user: str, offered: Offered, arguments: Arguments, key: str) -> Any:
        """The answer as JSON. Raises ToolFailed."""
        deed = _DEEDS[offered.tool.name]
        try:
            async with asyncio.timeout(offered.timeout):
                answer = await insist(lambda _: deed(self, user, arguments, key), None)
        except ValidationError as error:
            raise ToolFailed("invalid_arguments", str(error.errors()[0]["msg"])) from None
        except (Refused, BudgetExhausted) as refusal:
            raise ToolFailed(refusal.code, str(refusal)) from None
        except TimeoutError:
            raise ToolFailed("timeout", "This took too long.", unknown=offered.guarded) from None
        return answer.wire() if isinstance(answer, Message) else answer

    async def ask(self, call: Call[Q, A], question: Arguments, timeout: float = 5.0) -> A:
        """The answer to this question, given in the names of the wire."""
        return await self._bus.ask(call, call.question.model_validate(question), timeout=timeout)


def _asks(call: Call[Any, Any], **usual: Any) -> Deed:
    async def deed(tools: BuiltInTools, user: str, arguments: Arguments, _key: str) -> Message:
        return await tools.ask(call, usual | arguments | {"user": user})

    return deed


def _changes(call: Call[Any, Any]) -> Deed:
    async def deed(tools: BuiltInTools, user: str, arguments: Arguments, key: str) -> Message:
        return await tools.ask(call, arguments | {"user": user, "operationId": _short(key)})

    return deed


async def _start(tools: BuiltInTools, user: str, arguments: Arguments, key: str) -> Arguments:
    name = _short(key)
    try:
        question = workflow.CreateWorkflow(user=user, id=name, type=arguments["type"], params=arguments.get("params"))
        await tools.ask(workflow.CREATE, question.wire())
    except WorkflowExists:
        pass  # It was begun under this key before.
    return {"id": name, "type": arguments["type"], "status": "queued"}


async def _status(tools: BuiltInTools, user: str, arguments: Arguments, _key: str) -> Message:
    if name := arguments.get("id"):
        return await tools.ask(workflow.GET, {"user": user, "workflowId": name})
    return await tools.ask(workflow.LIST, {"user": user, "limit": 5})


async def _flights(tools: BuiltInTools, user: str, arguments: Arguments, key: str) -> Message:
    question = {"waitSeconds": FLIGHT_SECONDS, **arguments, "user": user, "key": _short(key)}
    return await tools.ask(workflow.FIND_FLIGHTS, question, timeout=FLIGHT_SECONDS + 10)


def _short(key: str) -> str:
    return "tool-" + sha256(key.encode()).hexdigest()[:32]


_DEEDS: Final[dict[str, Deed]] = {
    # Within an answer memory carries these out itself; here they are done for work in the background.
    "create_task": _changes(state.CREATE_TASK),
    "complete_task": _changes(state.COMPLETE_TASK),
    "create_note": _changes(state.CREATE_NOTE),
    "pin_memory": _changes(state.PIN_MEMORY),
    "create_event": _changes(state.KEEP_EVENT),
    "put_plan": _changes(state.PUT_PLAN),
    "list_tasks": _asks(state.LIST_TASKS, limit=USUAL),
    "list_notes": _asks(state.LIST_NOTES, limit=USUAL),
    "list_events": _asks(state.LIST_EVENTS, limit=USUAL, travel=False),
    "get_plan": _asks(state.GET_PLAN),
    "search_memory": _asks(knowledge.SEARCH, limit=10),
    "start_workflow": _start,
    "workflow_status": _status,
    "find_flights": _flights,
}
