"""What jobs ask of others. All of it raises the Faults of the contract, and Unavailable when nobody answers."""

from dataclasses import dataclass
from typing import Any, Protocol

from shared.contract.account import StoredOutput, StoreOutput
from shared.contract.inference import Complete, Completion
from shared.contract.knowledge import DigestMaterial, PrepareDigest, StoreDigest, Tidied
from shared.contract.memory import ListMessages, Messages
from shared.contract.person import CalendarEvent, Note, Plan, Task
from shared.contract.state import (
    CalendarEvents,
    CreateNote,
    CreateTask,
    DeleteEvent,
    GetState,
    KeepEvent,
    KeptEvent,
    ListEvents,
    ListTasks,
    Preferences,
    PutPlan,
    State,
    Tasks,
)
from shared.contract.tools import Tool
from shared.contract.travel import ChooseFlight, KeepTrip, SettleTrip
from shared.contract.trip import Trip
from shared.contract.workflow import PutSchedule
from workflow.step import About, Attempt


class Models(Protocol):
    """The models of this installation."""

    async def complete(self, attempt: Attempt, question: Complete) -> Completion:
        """What a model says; the person whose workflow it is pays for it. May take minutes."""
        ...


class Tools(Protocol):
    """The tools of this installation, as far as work in the background may call them."""

    async def offered(self, about: About) -> list[Tool]:
        """Those that there are for this person, whatever their policy."""
        ...

    async def call(self, attempt: Attempt, name: str, arguments: dict[str, Any], *, approved: bool = False) -> Any:
        """What the tool answers, once for each step as far as the tool honours keys. `approved`: the person has agreed to it.

        Raises WarmOnly, and NonRetryable when the tool has failed, was rejected, or nobody knows whether it was done.
        """
        ...


class Post(Protocol):
    """What people read in their conversations."""

    async def say(self, attempt: Attempt, title: str, text: str) -> StoredOutput:
        """A message in the conversation of this title, which is made when there is none. Raises WarmOnly."""
        ...

    async def answer(self, attempt: Attempt, order: StoreOutput) -> StoredOutput:
        """An answer that the person waits for. Once for each operation id. Raises WarmOnly."""
        ...


class Memory(Protocol):
    """What is known of a person. See the contract for each call; changes are made once for each operation id."""

    async def create_note(self, order: CreateNote) -> Note: ...

    async def create_task(self, order: CreateTask) -> Task: ...

    async def preferences(self, user: str) -> Preferences: ...

    async def tasks(self, question: ListTasks) -> Tasks: ...

    async def events(self, question: ListEvents) -> CalendarEvents: ...

    async def keep_event(self, order: KeepEvent) -> KeptEvent: ...

    async def delete_event(self, order: DeleteEvent) -> CalendarEvent: ...

    async def put_plan(self, order: PutPlan) -> Plan: ...

    async def state(self, question: GetState) -> State: ...

    async def messages(self, question: ListMessages) -> Messages: ...

    async def tidy_up(self, user: str) -> Tidied: ...

    async def prepare_digest(self, question: PrepareDigest) -> DigestMaterial: ...

    async def store_digest(self, order: StoreDigest) -> object: ...

    async def trips(self, user: str, since: str) -> list[Trip]: ...

    async def trip(self, user: str, workflow_id: str) -> Trip: ...

    async def keep_trip(self, order: KeepTrip) -> Trip: ...

    async def choose_flight(self, order: ChooseFlight) -> Trip: ...

    async def settle_trip(self, order: SettleTrip) -> Trip: ...


class Workflows(Protocol):
    """Others of these."""

    async def begin(self, user: str, kind: str, params: Any, workflow_id: str) -> None:
        """Begins one, unless it has begun before."""
        ...

    async def schedule(self, order: PutSchedule) -> None:
        """Has one begin at its moments. The same id again replaces it."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that jobs ask of others."""

    models: Models
    memory: Memory
    tools: Tools
    post: Post
    workflows: Workflows
