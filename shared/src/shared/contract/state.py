"""What memory is asked about a person's state. Every change may carry an operation id: the same again is answered the same."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.contract.base import Message
from shared.contract.memory import Done
from shared.contract.objects import ChatMessage, Conversation, Session
from shared.contract.person import CalendarEvent, Note, NoteKind, Persona, PinnedMemory, Plan, Tags, Task, TaskStatus, When
from shared.contract.tools import Approval
from shared.contract.topics import Call
from shared.contract.trip import Trip

Title = Annotated[str, Field(min_length=1, max_length=500)]
Line = Annotated[str, Field(min_length=1, max_length=500)]
Key = Annotated[str, Field(min_length=1, max_length=128)]


class Change(Message):
    """Changes the state of a user. The same operation id with another question is refused (`idempotency_mismatch`)."""

    user: str
    operation_id: str | None = None


class Page(Message):
    """Asks for a page of a list; `cursor` is the `next` of the page before."""

    user: str
    limit: int = 50
    cursor: str | None = None


# --- tasks -----------------------------------------------------------------------------------------------------------


class CreateTask(Change):
    """A new open task. Refused with `limit_reached` when as many are open as one may have."""

    title: Title
    due: When | None = None
    tags: Tags = Field(default_factory=list[str])
    assignee: Annotated[str, Field(min_length=1, max_length=255)] | None = None


class UpdateTask(Change):
    """Changes what is given; `clear` names fields (`due`, `assignee`) that shall be empty."""

    task_id: str
    title: Title | None = None
    due: When | None = None
    tags: Tags | None = None
    assignee: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    status: TaskStatus | None = None
    clear: list[Literal["due", "assignee"]] = Field(default_factory=list[Literal["due", "assignee"]])


class CompleteTask(Change):
    """It is done. One that is done already stays as it is."""

    task_id: str


class DeleteTask(Change):
    """It is gone. Answered with what it was."""

    task_id: str


class GetTask(Message):
    """One task."""

    user: str
    task_id: str


class ListTasks(Page):
    """Newest first; all, or those of one status."""

    status: TaskStatus | None = None


class Tasks(Message):
    """A page of tasks."""

    tasks: list[Task]
    next: str | None = None


# --- notes -----------------------------------------------------------------------------------------------------------


class CreateNote(Change):
    """A new note or snippet. Refused with `too_large`, `limit_reached`."""

    text: str
    title: Title | None = None
    kind: NoteKind = "note"
    tags: Tags = Field(default_factory=list[str])


class UpdateNote(Change):
    """Changes what is given."""

    note_id: str
    text: str | None = None
    title: Title | None = None
    tags: Tags | None = None


class DeleteNote(Change):
    """It is gone. Answered with what it was."""

    note_id: str


class GetNote(Message):
    """One note with its whole text."""

    user: str
    note_id: str


class ListNotes(Page):
    """Newest first, long texts cut; all, or those of one kind."""

    kind: NoteKind | None = None


class Notes(Message):
    """A page of notes."""

    notes: list[Note]
    next: str | None = None


# --- pinned memories -------------------------------------------------------------------------------------------------


class PinMemory(Change):
    """Remember this; the same type and key replaces the value. Refused with `limit_reached`, `too_large`."""

    type: Key
    key: Key
    value: Any = None


class UnpinMemory(Change):
    """Forget it. Answered with what it was."""

    memory_id: str


class ListMemories(Page):
    """In the order of type and key."""


class Memories(Message):
    """A page of pinned memories."""

    pinned_memories: list[PinnedMemory]
    next: str | None = None


# --- preferences -----------------------------------------------------------------------------------------------------


class GetPreferences(Message):
    """All preferences of a user."""

    user: str


class Preferences(Message):
    """`timezone`, `workHours`, `language`, `notifications`, `home`, and free keys; nothing is there that was never set."""

    preferences: dict[str, Any]


class ChangePreferences(Change):
    """Sets these keys and removes those; others stay. Refused with `invalid_request` when a known key is not of its form."""

    preferences: dict[str, Any] = Field(default_factory=dict[str, Any])
    remove: list[str] = Field(default_factory=list[str])


# --- plans -----------------------------------------------------------------------------------------------------------


class GetPlan(Message):
    """The plan of a day, empty when there is none. `date` is `YYYY-MM-DD`."""

    user: str
    date: str


class PutPlan(Change):
    """The plan of a day, replacing the one there was."""

    date: str
    priorities: Annotated[list[Line], Field(max_length=3)] = Field(default_factory=list[str])
    todos: Annotated[list[Line], Field(max_length=5)] = Field(default_factory=list[str])
    notes: Annotated[list[Annotated[str, Field(min_length=1, max_length=4000)]], Field(max_length=1)] = Field(
        default_factory=list[str]
    )


# --- calendar --------------------------------------------------------------------------------------------------------


class KeepEvent(Change):
    """A calendar entry: a new one, or with `event_id` or a known `external_id` in place of the old. In another place than home
    it brings a travel event with it."""

    title: Title
    start: datetime
    end: datetime
    description: Annotated[str, Field(max_length=16_384)] | None = None
    location: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    event_id: str | None = None
    external_id: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    warm_only: bool = False


class KeptEvent(Message):
    """The entry, and the travel event that it is, if it is one."""

    event: CalendarEvent
    travel_event: CalendarEvent | None = None


class DeleteEvent(Change):
    """It is gone, and the travel event derived from it. Answered with what it was."""

    event_id: str


class ListEvents(Page):
    """Entries that end after `start` and begin before `end`, by their start. Travel events only when asked for."""

    start: datetime | None = None
    end: datetime | None = None
    travel: bool = True


class CalendarEvents(Message):
    """A page of calendar entries."""

    events: list[CalendarEvent]
    next: str | None = None


# --- personas --------------------------------------------------------------------------------------------------------


class ListPersonas(Message):
    """The built-in ones, then this user's own."""

    user: str


class Personas(Message):
    """All personas a user can choose."""

    personas: list[Persona]


class KeepPersona(Change):
    """A persona of one's own: a new one, or with `persona_id` in place of the old. Refused with `built_in`, `limit_reached`."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    description: Annotated[str, Field(max_length=1_000)] = ""
    system_prompt: Annotated[str, Field(min_length=1, max_length=32_768)]
    greeting: Annotated[str, Field(max_length=4_000)] | None = None
    model: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    persona_id: str | None = None


class DeletePersona(Change):
    """It is gone; conversations that have it go on with the all-round assistant."""

    persona_id: str


# --- the whole -------------------------------------------------------------------------------------------------------


class GetState(Message):
    """A snapshot of the user's state, with the newest `limit` messages over all conversations.

    With `since` (a version, or a time with its offset) only what has changed after it, and what was removed. The answer is
    whole, and its `since` is absent, when memory does not know any more what was removed since then, when `since` is later than
    the state, and when the changes are too many for one answer (more than `limit` messages are). What the answer names as
    removed is to be removed first: it may have come back.
    """

    user: str
    limit: int = 50
    since: str | None = None


class Removed(Message):
    """Ids of what is gone."""

    conversations: list[str] = Field(default_factory=list[str])
    tasks: list[str] = Field(default_factory=list[str])
    notes: list[str] = Field(default_factory=list[str])
    pinned_memories: list[str] = Field(default_factory=list[str])
    calendar: list[str] = Field(default_factory=list[str])
    personas: list[str] = Field(default_factory=list[str])
    trips: list[str] | None = None
    plan: list[str] | None = None
    """Days."""


class State(Message):
    """A consistent snapshot at `version`. Of long lists it has what matters now; the lists' own calls have the rest.

    With `since` it has only what changed after that version. `plan` holds plans (see `Plan`) by date; `preferences` is absent
    when they did not change. `last_snapshot_ts` is the moment of `version`: as `since` it is as good as that. Moments of a
    user's versions only grow, also when the clock is set back.
    """

    user_id: str
    version: int
    since: int | None = None
    conversations: list[Conversation]
    messages: list[ChatMessage]
    tasks: list[Task] = Field(default_factory=list[Task])
    notes: list[Note] = Field(default_factory=list[Note])
    pinned_memories: list[PinnedMemory] = Field(default_factory=list[PinnedMemory])
    preferences: dict[str, Any] | None = None
    calendar: list[CalendarEvent] = Field(default_factory=list[CalendarEvent])
    plan: dict[str, Any] = Field(default_factory=dict[str, Any])
    personas: list[Persona] = Field(default_factory=list[Persona])
    approvals: list[Approval] = Field(default_factory=list[Approval])
    """All that wait for a decision, newest first; with `since` too."""
    trips: list[Trip] = Field(default_factory=list[Trip])
    removed: Removed | None = None
    active_sessions: list[Session]
    last_snapshot_ts: datetime


# --- the calls -------------------------------------------------------------------------------------------------------

CREATE_TASK = Call("memory", "create_task", CreateTask, Task)
UPDATE_TASK = Call("memory", "update_task", UpdateTask, Task)
COMPLETE_TASK = Call("memory", "complete_task", CompleteTask, Task)
DELETE_TASK = Call("memory", "delete_task", DeleteTask, Task)
GET_TASK = Call("memory", "get_task", GetTask, Task)
LIST_TASKS = Call("memory", "list_tasks", ListTasks, Tasks)
CREATE_NOTE = Call("memory", "create_note", CreateNote, Note)
UPDATE_NOTE = Call("memory", "update_note", UpdateNote, Note)
DELETE_NOTE = Call("memory", "delete_note", DeleteNote, Note)
GET_NOTE = Call("memory", "get_note", GetNote, Note)
LIST_NOTES = Call("memory", "list_notes", ListNotes, Notes)
PIN_MEMORY = Call("memory", "pin_memory", PinMemory, PinnedMemory)
UNPIN_MEMORY = Call("memory", "unpin_memory", UnpinMemory, PinnedMemory)
LIST_MEMORIES = Call("memory", "list_memories", ListMemories, Memories)
GET_PREFERENCES = Call("memory", "get_preferences", GetPreferences, Preferences)
CHANGE_PREFERENCES = Call("memory", "change_preferences", ChangePreferences, Preferences)
GET_PLAN = Call("memory", "get_plan", GetPlan, Plan)
PUT_PLAN = Call("memory", "put_plan", PutPlan, Plan)
KEEP_EVENT = Call("memory", "keep_event", KeepEvent, KeptEvent)
DELETE_EVENT = Call("memory", "delete_event", DeleteEvent, CalendarEvent)
LIST_EVENTS = Call("memory", "list_events", ListEvents, CalendarEvents)
LIST_PERSONAS = Call("memory", "list_personas", ListPersonas, Personas)
KEEP_PERSONA = Call("memory", "keep_persona", KeepPersona, Persona)
DELETE_PERSONA = Call("memory", "delete_persona", DeletePersona, Done)
GET_STATE = Call("memory", "get_state", GetState, State)
