"""Inference, memory and this service itself over the bus, as the ports of jobs."""

from contextlib import suppress
from typing import Any

from shared.bus import Bus
from shared.contract import account, knowledge, memory, state, travel
from shared.contract import workflow as contract
from shared.contract.acting import CALL_TOOL, LIST_TOOLS, CallTool, ListTools
from shared.contract.inference import COMPLETE, Complete, Completion
from shared.contract.person import CalendarEvent, Note, Plan, Task
from shared.contract.tools import Tool
from shared.contract.trip import Trip
from shared.errors import WorkflowExists
from workflow.failure import NonRetryable
from workflow.jobs.keys import operation_id
from workflow.step import About, Attempt

SECONDS = 10.0
"""For a call of memory; a step that gets no answer is tried again."""

LATEST = 50
"""Conversations among which one is looked for by its title."""


class BusModels:
    """See `jobs.ports.Models`. `seconds`: how long an answer may take before it is asked for again."""

    def __init__(self, bus: Bus, seconds: float) -> None:
        self._bus, self._seconds = bus, seconds

    async def complete(self, attempt: Attempt, question: Complete) -> Completion:
        """See the port."""
        charged = question.model_copy(update={"user": attempt.about.user})
        return await self._bus.ask(COMPLETE, charged, timeout=self._seconds)


class BusTools:
    """See `jobs.ports.Tools`. `seconds`: how long a call may take before it is made again, under the same key."""

    def __init__(self, bus: Bus, seconds: float) -> None:
        self._bus, self._seconds = bus, seconds

    async def offered(self, about: About) -> list[Tool]:
        """See the port."""
        return (await self._bus.ask(LIST_TOOLS, ListTools(user=about.user), timeout=SECONDS)).tools

    async def call(self, attempt: Attempt, name: str, arguments: dict[str, Any], *, approved: bool = False) -> Any:
        """See the port."""
        about = attempt.about
        order = CallTool(
            user=about.user,
            name=name,
            arguments=arguments,
            key=attempt.key,
            warm_only=about.warm_only,
            approved=approved,
        )
        answer = await self._bus.ask(CALL_TOOL, order, timeout=self._seconds)
        if answer.status == "completed":
            return answer.result
        if answer.status == "unknown":
            raise NonRetryable(f"Nobody knows whether {name!r} was done; look before you begin it again.")
        reason = answer.error.message if answer.error else f"It was {answer.status}."
        raise NonRetryable(f"{name!r}: {reason}")


class BusWord:
    """See `jobs.ports.Post`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def say(self, attempt: Attempt, title: str, text: str) -> account.StoredOutput:
        """See the port."""
        user = attempt.about.user
        question = memory.ListConversations(user=user, limit=LATEST)
        known = (await self._bus.ask(memory.LIST_CONVERSATIONS, question, timeout=SECONDS)).conversations
        found = next((one.id for one in known if one.title == title), None)
        if found is None:
            create = memory.CreateConversation(user=user, title=title, client_id=operation_id(attempt.key))
            found = (await self._bus.ask(memory.CREATE_CONVERSATION, create, timeout=SECONDS)).id
        order = account.StoreOutput(
            user=user, operation_id=operation_id(attempt.key), asked_by="workflow", text=text, conversation_id=found
        )
        return await self.answer(attempt, order)

    async def answer(self, attempt: Attempt, order: account.StoreOutput) -> account.StoredOutput:
        """See the port."""
        return await self._bus.ask(account.STORE_OUTPUT, order, timeout=SECONDS)


class BusWorkflows:
    """See `jobs.ports.Workflows`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def begin(self, user: str, kind: str, params: Any, workflow_id: str) -> None:
        """See the port."""
        order = contract.CreateWorkflow(user=user, type=kind, params=params, id=workflow_id)
        with suppress(WorkflowExists):
            await self._bus.ask(contract.CREATE, order, timeout=SECONDS)

    async def schedule(self, order: contract.PutSchedule) -> None:
        """See the port."""
        await self._bus.ask(contract.PUT_SCHEDULE, order, timeout=SECONDS)


class BusMemory:
    """See `jobs.ports.Memory`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def create_note(self, order: state.CreateNote) -> Note:
        """See the port."""
        return await self._bus.ask(state.CREATE_NOTE, order, timeout=SECONDS)

    async def create_task(self, order: state.CreateTask) -> Task:
        """See the port."""
        return await self._bus.ask(state.CREATE_TASK, order, timeout=SECONDS)

    async def preferences(self, user: str) -> state.Preferences:
        """See the port."""
        return await self._bus.ask(state.GET_PREFERENCES, state.GetPreferences(user=user), timeout=SECONDS)

    async def tasks(self, question: state.ListTasks) -> state.Tasks:
        """See the port."""
        return await self._bus.ask(state.LIST_TASKS, question, timeout=SECONDS)

    async def events(self, question: state.ListEvents) -> state.CalendarEvents:
        """See the port."""
        return await self._bus.ask(state.LIST_EVENTS, question, timeout=SECONDS)

    async def keep_event(self, order: state.KeepEvent) -> state.KeptEvent:
        """See the port."""
        return await self._bus.ask(state.KEEP_EVENT, order, timeout=SECONDS)

    async def delete_event(self, order: state.DeleteEvent) -> CalendarEvent:
        """See the port."""
        return await self._bus.ask(state.DELETE_EVENT, order, timeout=SECONDS)

    async def put_plan(self, order: state.PutPlan) -> Plan:
        """See the port."""
        return await self._bus.ask(state.PUT_PLAN, order, timeout=SECONDS)

    async def state(self, question: state.GetState) -> state.State:
        """See the port."""
        return await self._bus.ask(state.GET_STATE, question, timeout=SECONDS)

    async def messages(self, question: memory.ListMessages) -> memory.Messages:
        """See the port."""
        return await self._bus.ask(memory.LIST_MESSAGES, question, timeout=SECONDS)

    async def tidy_up(self, user: str) -> knowledge.Tidied:
        """See the port."""
        return await self._bus.ask(knowledge.TIDY_UP, knowledge.TidyUp(user=user), timeout=SECONDS)

    async def prepare_digest(self, question: knowledge.PrepareDigest) -> knowledge.DigestMaterial:
        """See the port."""
        return await self._bus.ask(knowledge.PREPARE_DIGEST, question, timeout=SECONDS)

    async def store_digest(self, order: knowledge.StoreDigest) -> object:
        """See the port."""
        return await self._bus.ask(knowledge.STORE_DIGEST, order, timeout=SECONDS)

    async def trips(self, user: str, since: str) -> list[Trip]:
        """See the port."""
        return (await self._bus.ask(travel.LIST_TRIPS, travel.ListTrips(user=user, since=since), timeout=SECONDS)).trips

    async def trip(self, user: str, workflow_id: str) -> Trip:
        """See the port."""
        return await self._bus.ask(travel.GET_TRIP, travel.GetTrip(user=user, workflow_id=workflow_id), timeout=SECONDS)

    async def keep_trip(self, order: travel.KeepTrip) -> Trip:
        """See the port."""
        return await self._bus.ask(travel.KEEP_TRIP, order, timeout=SECONDS)

    async def choose_flight(self, order: travel.ChooseFlight) -> Trip:
        """See the port."""
        return await self._bus.ask(travel.CHOOSE_FLIGHT, order, timeout=SECONDS)

    async def settle_trip(self, order: travel.SettleTrip) -> Trip:
        """See the port."""
        return await self._bus.ask(travel.SETTLE_TRIP, order, timeout=SECONDS)
