"""Events about what a person keeps: tasks, notes, memories, calendar, plan, preferences, personas."""

from typing import Any, ClassVar

from shared.contract.event import Event
from shared.contract.person import CalendarEvent, Note, Persona, PinnedMemory, Plan, Task


class TaskCreated(Event):
    """There is a new task."""

    type_name: ClassVar[str] = "task.created"
    task: Task


class TaskUpdated(TaskCreated):
    """A task has changed, or is done."""

    type_name: ClassVar[str] = "task.updated"


class TaskDeleted(TaskCreated):
    """A task is gone; this is what it was."""

    type_name: ClassVar[str] = "task.deleted"


class NoteCreated(Event):
    """There is a new note. A long text is cut."""

    type_name: ClassVar[str] = "note.created"
    note: Note


class NoteUpdated(NoteCreated):
    """A note has changed."""

    type_name: ClassVar[str] = "note.updated"


class NoteDeleted(NoteCreated):
    """A note is gone; this is what it was."""

    type_name: ClassVar[str] = "note.deleted"


class MemoryCreated(Event):
    """A fact was pinned."""

    type_name: ClassVar[str] = "memory.created"
    memory: PinnedMemory


class MemoryUpdated(MemoryCreated):
    """A pinned fact has another value."""

    type_name: ClassVar[str] = "memory.updated"


class MemoryDeleted(MemoryCreated):
    """A pinned fact is gone; this is what it was."""

    type_name: ClassVar[str] = "memory.deleted"


class CalendarCreated(Event):
    """There is a new calendar entry."""

    type_name: ClassVar[str] = "calendar.created"
    calendar_event: CalendarEvent


class CalendarUpdated(CalendarCreated):
    """A calendar entry has changed."""

    type_name: ClassVar[str] = "calendar.updated"


class CalendarDeleted(CalendarCreated):
    """A calendar entry is gone; this is what it was."""

    type_name: ClassVar[str] = "calendar.deleted"


class PlanUpdated(Event):
    """The plan of a day is new or has changed."""

    type_name: ClassVar[str] = "plan.updated"
    plan: Plan


class PreferencesUpdated(Event):
    """These are all preferences now."""

    type_name: ClassVar[str] = "preferences.updated"
    preferences: dict[str, Any]


class PersonaCreated(Event):
    """There is a new persona of one's own."""

    type_name: ClassVar[str] = "persona.created"
    persona: Persona


class PersonaUpdated(PersonaCreated):
    """A persona has changed."""

    type_name: ClassVar[str] = "persona.updated"


class PersonaDeleted(PersonaCreated):
    """A persona is gone; this is what it was."""

    type_name: ClassVar[str] = "persona.deleted"
