"""The nouns of a person's state: tasks, notes, pinned memories, calendar, plans, personas, actions."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from shared.contract.base import Message

TaskStatus = Literal["open", "completed"]
NoteKind = Literal["note", "snippet"]
CalendarKind = Literal["event", "travel"]
ActionName = Literal["create_task", "complete_task", "create_note", "pin_memory", "create_event"]


def _when(text: str) -> str:
    """A day as it is, a moment in UTC. Raises ValueError."""
    if len(text) == len("2026-01-31"):
        return date.fromisoformat(text).isoformat()
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset, such as 2026-01-31T09:00:00+01:00")
    try:
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:
        raise ValueError("is before or after every time there is") from None


When = Annotated[str, AfterValidator(_when)]
"""A day (`2026-01-31`) or a moment with its offset, kept in UTC (`2026-01-31T08:00:00Z`)."""

Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=32)]


class Task(Message):
    """Something to do. `generation_id` is the answer that asked for it, if one did."""

    id: str
    title: str
    status: TaskStatus
    due: str | None = None
    tags: list[str] = Field(default_factory=list[str])
    assignee: str | None = None
    generation_id: str | None = None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None


class Note(Message):
    """A note, or a snippet of text to be used as context. In lists and events a long text is cut; `size` is that of the whole,
    in bytes, and `truncated` says so."""

    id: str
    title: str | None = None
    text: str
    kind: NoteKind = "note"
    tags: list[str] = Field(default_factory=list[str])
    size: int
    truncated: bool = False
    generation_id: str | None = None
    created_at: datetime
    updated_at: datetime


class PinnedMemory(Message):
    """A fact to be remembered in every answer. Of each type and key there is one; `value` is any JSON."""

    id: str
    type: str
    key: str
    value: Any = None
    generation_id: str | None = None
    created_at: datetime
    updated_at: datetime


class CalendarEvent(Message):
    """An entry of the calendar. A travel event is derived from another one (`source_event_id`), and is only kept warm: it may
    be prepared for, and is not shown to the person by itself."""

    id: str
    title: str
    start: datetime
    end: datetime
    description: str | None = None
    location: str | None = None
    kind: CalendarKind = "event"
    warm_only: bool = False
    destination: str | None = None
    source_event_id: str | None = None
    external_id: str | None = None
    """Its id in the calendar it was brought from; the same again replaces it."""
    generation_id: str | None = None
    created_at: datetime
    updated_at: datetime


class Plan(Message):
    """The plan of one day."""

    date: str
    priorities: list[str] = Field(default_factory=list[str])
    todos: list[str] = Field(default_factory=list[str])
    notes: list[str] = Field(default_factory=list[str])
    updated_at: datetime | None = None


class Persona(Message):
    """Who answers. Built-in ones have a name for an id and can't be changed."""

    id: str
    name: str
    description: str
    system_prompt: str
    greeting: str | None = None
    model: str | None = None
    temperature: float | None = None
    built_in: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Action(Message):
    """What a model asks to be done: `payload` has the fields of what is created."""

    event: ActionName
    payload: dict[str, Any]


class DoneAction(Action):
    """An action that was carried out; `object_id` is what it made or changed."""

    object_id: str
