"""What clients may send to change a person's state, field by field, and the orders it becomes."""

from math import isfinite
from typing import Annotated, Any, Literal, Self, cast

from pydantic import AfterValidator, Field, RootModel, model_validator

from gateway.parameters import DayOrMoment, Moment
from gateway.requests import Key, Name, Request, Text, not_blank
from shared.contract.account import StoreOutput
from shared.contract.acting import DecideApproval
from shared.contract.objects import Usage
from shared.contract.person import Action, ActionName, NoteKind, Tags, TaskStatus
from shared.contract.state import (
    ChangePreferences,
    CreateNote,
    CreateTask,
    KeepEvent,
    KeepPersona,
    Line,
    PinMemory,
    PutPlan,
    UpdateNote,
    UpdateTask,
)
from shared.contract.state import Key as MemoryKey
from shared.contract.state import Title as AnyTitle
from shared.errors import Invalid
from shared.ids import Id

MAX_INTEGER = 2**63


def plain(value: Any) -> Any:
    """Any JSON whose numbers come back as they are: 1e400 would be infinite, and then null. Raises ValueError."""
    level: list[Any] = [value]
    while level:
        if any(isinstance(node, float) and not isfinite(node) for node in level):
            raise ValueError("has a number that is too large")
        if any(isinstance(node, int) and abs(node) >= MAX_INTEGER for node in level):
            raise ValueError("has a number that is too large")
        level = [child for node in level for child in _children(node)]
    return value


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(cast("dict[str, Any]", node).values())
    return cast("list[Any]", node) if isinstance(node, list) else []


def _something(value: Any) -> Any:
    if value is None:
        raise ValueError("must not be null")
    return plain(value)


Plain = Annotated[Any, AfterValidator(plain)]
Title = Annotated[AnyTitle, AfterValidator(not_blank)]
Hash = Annotated[str, Field(pattern=r"^[A-Za-z0-9:_+/=.-]{1,128}$")]


def _no_null(body: Request, *names: str) -> None:
    """Absent is one thing, null another. Raises ValueError."""
    for name in names:
        if name in body.model_fields_set and getattr(body, name) is None:
            raise ValueError(f"{name} must not be null")


class TaskFields(Request):
    """A task as a client knows it."""

    id: Id | None = None
    title: Title | None = None
    due: DayOrMoment | None = None
    tags: Tags | None = None
    assignee: Name | None = None
    status: TaskStatus | None = None

    @model_validator(mode="after")
    def _checked(self) -> Self:
        _no_null(self, "id", "title", "tags", "status")
        return self


class TaskAction(Request):
    """What is to be done with a task. In an update null empties `due` and `assignee`, and what is absent stays."""

    action: Literal["create", "update", "complete", "delete"]
    task: TaskFields

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if self.action != "create" and self.task.id is None:
            raise ValueError("task.id is needed")
        if self.action == "create" and (self.task.title is None or self.task.id is not None):
            raise ValueError("a new task needs a title, and has no id yet")
        if self.action == "create" and self.task.status == "completed":
            raise ValueError("a new task is open")
        return self

    @property
    def task_id(self) -> str:
        """Which one. Raises Invalid when none is named."""
        if self.task.id is None:
            raise Invalid("task.id is needed.")
        return self.task.id

    def creation(self, user: str, key: str | None) -> CreateTask:
        """What memory is asked to do."""
        task = self.task
        return CreateTask(
            user=user, operation_id=key, title=task.title or "", due=task.due, tags=task.tags or [], assignee=task.assignee
        )

    def update(self, user: str, key: str | None) -> UpdateTask:
        """What memory is asked to do."""
        task = self.task
        return UpdateTask(
            user=user,
            operation_id=key,
            task_id=self.task_id,
            **task.model_dump(exclude={"id"}, exclude_none=True),
            clear=[name for name in ("due", "assignee") if name in task.model_fields_set and getattr(task, name) is None],
        )


class NewNote(Request):
    """A note, or a snippet of text to be used as context."""

    text: Text
    title: Title | None = None
    kind: NoteKind = "note"
    tags: Tags = Field(default_factory=list[str])

    def order(self, user: str, key: str | None) -> CreateNote:
        """What memory is asked to do."""
        return CreateNote(user=user, operation_id=key, **self.model_dump())


class NoteChange(Request):
    """What to change of a note; what is absent stays."""

    text: Text | None = None
    title: Title | None = None
    tags: Tags | None = None

    @model_validator(mode="after")
    def _checked(self) -> Self:
        _no_null(self, "text", "title", "tags")
        return self

    def order(self, user: str, key: str | None, note_id: str) -> UpdateNote:
        """What memory is asked to do."""
        return UpdateNote(user=user, operation_id=key, note_id=note_id, **self.model_dump(exclude_none=True))


class Pin(Request):
    """A fact to be remembered in every answer. The same type and key replaces the value."""

    type: MemoryKey
    key: MemoryKey
    value: Annotated[Any, AfterValidator(_something)]

    def order(self, user: str, key: str | None) -> PinMemory:
        """What memory is asked to do."""
        return PinMemory(user=user, operation_id=key, type=self.type, key=self.key, value=self.value)


class PreferenceChanges(RootModel[Annotated[dict[MemoryKey, Plain], Field(max_length=200)]]):
    """Sets these keys; null removes one. What is absent stays."""

    def order(self, user: str, key: str | None) -> ChangePreferences:
        """What memory is asked to do."""
        return ChangePreferences(
            user=user,
            operation_id=key,
            preferences={name: value for name, value in self.root.items() if value is not None},
            remove=[name for name, value in self.root.items() if value is None],
        )


class DayPlan(Request):
    """The plan of a day, replacing the one there was."""

    priorities: Annotated[list[Line], Field(max_length=3)] = Field(default_factory=list[str])
    todos: Annotated[list[Line], Field(max_length=5)] = Field(default_factory=list[str])
    notes: Annotated[list[Annotated[str, Field(min_length=1, max_length=4_000)]], Field(max_length=1)] = Field(
        default_factory=list[str]
    )

    def order(self, user: str, key: str | None, date: str) -> PutPlan:
        """What memory is asked to do."""
        return PutPlan(user=user, operation_id=key, date=date, **self.model_dump())


class Appointment(Request):
    """A calendar entry. With a known `externalId` it replaces the one that was brought from there before."""

    title: Title
    start: Moment
    end: Moment
    description: Annotated[str, Field(max_length=16_384)] | None = None
    location: Name | None = None
    external_id: Name | None = None
    warm_only: bool = False

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if self.end < self.start:
            raise ValueError("end is before start")
        return self

    def order(self, user: str, key: str | None, event_id: str | None = None) -> KeepEvent:
        """What memory is asked to do."""
        return KeepEvent(user=user, operation_id=key, event_id=event_id, **self.model_dump())


class OwnPersona(Request):
    """A persona of one's own."""

    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(not_blank)]
    description: Annotated[str, Field(max_length=1_000)] = ""
    system_prompt: Annotated[str, Field(min_length=1, max_length=32_768), AfterValidator(not_blank)]
    greeting: Annotated[str, Field(max_length=4_000)] | None = None
    model: Name | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None

    def order(self, user: str, key: str | None, persona_id: str | None = None) -> KeepPersona:
        """What memory is asked to do."""
        return KeepPersona(user=user, operation_id=key, persona_id=persona_id, **self.model_dump())


Tokens = Annotated[int, Field(ge=0, le=2**53)]


class TokenUsage(Request):
    """What an output cost."""

    prompt_tokens: Tokens = 0
    completion_tokens: Tokens = 0
    total_tokens: Tokens = 0


class WantedAction(Request):
    """What an output asks for."""

    event: ActionName
    payload: dict[str, Plain]


class WantedTask(Request):
    """A task that an output asks for."""

    title: Title
    due: DayOrMoment | None = None
    tags: Tags = Field(default_factory=list[str])
    assignee: Name | None = None


class FinalOutput(Request):
    """A final output of a model that ran elsewhere: a message, what it asked for, a summary of the conversation."""

    user_id: Name
    conversation_id: Id | None = None
    text: str
    model: Name | None = None
    usage: TokenUsage | None = None
    actions: Annotated[list[WantedAction], Field(max_length=64)] = Field(default_factory=list[WantedAction])
    tasks: Annotated[list[WantedTask], Field(max_length=64)] = Field(default_factory=list[WantedTask])
    summary: Annotated[str, Field(min_length=1, max_length=32_768)] | None = None
    prompt_hash: Hash | None = None
    output_hash: Hash | None = None
    operation_id: Key | None = None

    def order(self, asked_by: str, key: str | None) -> StoreOutput:
        """What memory is asked to do."""
        actions = [Action(event=wanted.event, payload=wanted.payload) for wanted in self.actions]
        actions += [Action(event="create_task", payload=task.model_dump(exclude_none=True)) for task in self.tasks]
        given = self.model_dump(include={"conversation_id", "text", "model", "summary", "prompt_hash", "output_hash"})
        usage = Usage(**self.usage.model_dump()) if self.usage else None
        return StoreOutput(user=self.user_id, operation_id=key, asked_by=asked_by, actions=actions, usage=usage, **given)


class Decision(Request):
    """Whether a call may be made, with exactly the arguments of this hash."""

    decision: Literal["approve", "reject"]
    arguments_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    def order(self, user: str, approval_id: str) -> DecideApproval:
        """What memory is asked to do."""
        return DecideApproval(user=user, approval_id=approval_id, decision=self.decision, arguments_hash=self.arguments_hash)
