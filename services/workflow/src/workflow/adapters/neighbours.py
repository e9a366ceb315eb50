"""Inference and memory over the bus, as the ports of jobs."""

from shared.bus import Bus
from shared.contract import state
from shared.contract.inference import COMPLETE, Complete, Completion
from shared.contract.person import Note, Plan

SECONDS = 10.0
"""For a call of memory; a step that gets no answer is tried again."""


class BusModels:
    """See `jobs.ports.Models`. `seconds`: how long an answer may take before it is asked for again."""

    def __init__(self, bus: Bus, seconds: float) -> None:
        self._bus, self._seconds = bus, seconds

    async def complete(self, question: Complete) -> Completion:
        """See the port."""
        return await self._bus.ask(COMPLETE, question, timeout=self._seconds)


class BusMemory:
    """See `jobs.ports.Memory`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def create_note(self, order: state.CreateNote) -> Note:
        """See the port."""
        return await self._bus.ask(state.CREATE_NOTE, order, timeout=SECONDS)

    async def preferences(self, user: str) -> state.Preferences:
        """See the port."""
        return await self._bus.ask(state.GET_PREFERENCES, state.GetPreferences(user=user), timeout=SECONDS)

    async def tasks(self, question: state.ListTasks) -> state.Tasks:
        """See the port."""
        return await self._bus.ask(state.LIST_TASKS, question, timeout=SECONDS)

    async def events(self, question: state.ListEvents) -> state.CalendarEvents:
        """See the port."""
        return await self._bus.ask(state.LIST_EVENTS, question, timeout=SECONDS)

    async def put_plan(self, order: state.PutPlan) -> Plan:
        """See the port."""
        return await self._bus.ask(state.PUT_PLAN, order, timeout=SECONDS)

    async def state(self, question: state.GetState) -> state.State:
        """See the port."""
        return await self._bus.ask(state.GET_STATE, question, timeout=SECONDS)
