"""What jobs ask of others. All of it raises the Faults of the contract, and Unavailable when nobody answers."""

from typing import Protocol

from shared.contract.inference import Complete, Completion
from shared.contract.person import Note, Plan
from shared.contract.state import (
    CalendarEvents,
    CreateNote,
    GetState,
    ListEvents,
    ListTasks,
    Preferences,
    PutPlan,
    State,
    Tasks,
)


class Models(Protocol):
    """The models of this installation."""

    async def complete(self, question: Complete) -> Completion:
        """What a model says. May take minutes."""
        ...


class Memory(Protocol):
    """What is known of a person. See the contract for each call."""

    async def create_note(self, order: CreateNote) -> Note:
        """Once for each operation id."""
        ...

    async def preferences(self, user: str) -> Preferences:
        """All of them."""
        ...

    async def tasks(self, question: ListTasks) -> Tasks:
        """A page."""
        ...

    async def events(self, question: ListEvents) -> CalendarEvents:
        """A page."""
        ...

    async def put_plan(self, order: PutPlan) -> Plan:
        """Once for each operation id."""
        ...

    async def state(self, question: GetState) -> State:
        """With `since`: what has changed after it."""
        ...
