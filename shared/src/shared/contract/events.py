"""Every event of the feed, by its `event:` name. What a client receives as `data:` is exactly what is stored here."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from shared.contract.changes import (
    CalendarCreated,
    CalendarDeleted,
    CalendarUpdated,
    MemoryCreated,
    MemoryDeleted,
    MemoryUpdated,
    NoteCreated,
    NoteDeleted,
    NoteUpdated,
    PersonaCreated,
    PersonaDeleted,
    PersonaUpdated,
    PlanUpdated,
    PreferencesUpdated,
    TaskCreated,
    TaskDeleted,
    TaskUpdated,
)
from shared.contract.event import ConversationEvent, Event
from shared.contract.journal import StepStatus, WorkflowStatus
from shared.contract.objects import ChatMessage, Conversation, FinishReason, Problem, Usage
from shared.contract.person import ActionName
from shared.contract.tools import ApprovalStatus, CallOutcome
from shared.contract.transcript import Segment, TranscriptOrigin
from shared.contract.trip import Trip


class MessageCreated(ConversationEvent):
    """A user message was stored, or the empty assistant message that an answer will fill."""

    type_name: ClassVar[str] = "message.created"
    message: ChatMessage
    client_message_id: str | None = None


class GenerationQueued(ConversationEvent):
    """How many answers of this conversation come first."""

    type_name: ClassVar[str] = "queue.position"
    generation_id: str
    position: int


class GenerationStarted(ConversationEvent):
    """A worker begins an answer. `attempt` is the fencing epoch."""

    type_name: ClassVar[str] = "generation.started"
    generation_id: str
    message_id: str
    attempt: int
    model: str


class GenerationRestarted(GenerationStarted):
    """Another worker begins it again: the text of earlier attempts is void."""

    type_name: ClassVar[str] = "generation.restarted"


class Token(ConversationEvent):
    """The text since the last one. `index` counts the events of this attempt from 0."""

    type_name: ClassVar[str] = "llm.token"
    type: Literal["token", "reasoning"] = "token"
    token: str
    role: Literal["assistant"] = "assistant"
    message_id: str
    generation_id: str
    attempt: int
    index: int


class Reasoning(Token):
    """The same with the model's reasoning text."""

    type_name: ClassVar[str] = "llm.reasoning"
    type: Literal["token", "reasoning"] = "reasoning"


class ToolStarted(ConversationEvent):
    """The model asked for a tool."""

    type_name: ClassVar[str] = "tool.started"
    generation_id: str
    message_id: str
    attempt: int
    tool_call_id: str
    name: str
    arguments: dict[str, Any]


class ToolFinished(ConversationEvent):
    """What came of a tool. A long result is cut."""

    type_name: ClassVar[str] = "tool.finished"
    generation_id: str
    message_id: str
    attempt: int
    tool_call_id: str
    name: str
    status: CallOutcome
    result: Any = None
    error: Problem | None = None
    duration_ms: int | None = None


class ActionAsked(ConversationEvent):
    """The model asked for something: a card to show while the text still streams. `action.created` says that it is done."""

    type_name: ClassVar[str] = "llm.action"
    generation_id: str
    message_id: str
    attempt: int
    tool_call_id: str
    event: str
    payload: dict[str, Any]


class ToolApproval(ConversationEvent):
    """A call needs the person's leave (`waiting`), or it was decided about."""

    type_name: ClassVar[str] = "tool.approval"
    generation_id: str
    message_id: str
    approval_id: str
    tool_call_id: str
    name: str
    arguments: dict[str, Any]
    arguments_hash: str
    expires_at: datetime
    status: ApprovalStatus


class GenerationEnded(ConversationEvent):
    """Exactly one for each generation, whatever happened."""

    generation_id: str
    message_id: str
    message: ChatMessage


class MessageCompleted(GenerationEnded):
    """The whole answer is stored."""

    type_name: ClassVar[str] = "message.completed"
    usage: Usage | None = None
    model: str | None = None
    finish_reason: FinishReason = "stop"


class MessageFailed(GenerationEnded):
    """The answer could not be finished; `text` is what there is of it."""

    type_name: ClassVar[str] = "message.failed"
    error: Problem
    text: str


class MessageCancelled(GenerationEnded):
    """Somebody stopped the answer; `text` is what there is of it."""

    type_name: ClassVar[str] = "message.cancelled"
    error: Problem
    text: str


class ConversationCreated(ConversationEvent):
    """A conversation began."""

    type_name: ClassVar[str] = "conversation.created"
    conversation: Conversation


class ConversationUpdated(ConversationEvent):
    """Title, persona or the branch that is shown has changed."""

    type_name: ClassVar[str] = "conversation.updated"
    conversation: Conversation


class ConversationDeleted(ConversationEvent):
    """The conversation and its messages are gone."""

    type_name: ClassVar[str] = "conversation.deleted"


class ActionCreated(ConversationEvent):
    """What an answer asked for has been done; `object_id` is what it made or changed."""

    type_name: ClassVar[str] = "action.created"
    event: ActionName
    payload: dict[str, Any]
    generation_id: str | None = None
    message_id: str
    object_id: str


class WorkflowUpdated(Event):
    """A workflow has come further: `step` is what was done last, where that is a step."""

    type_name: ClassVar[str] = "workflow.updated"
    workflow_id: str
    type: str
    status: WorkflowStatus
    step: str | None = None
    step_status: StepStatus | None = None


class TravelUpdated(Event):
    """Flights were found for a trip, or its booking has come further."""

    type_name: ClassVar[str] = "travel.updated"
    trip: Trip


class TravelDeleted(TravelUpdated):
    """A trip is gone; this is what it was."""

    type_name: ClassVar[str] = "travel.deleted"


class TranscriptEvent(Event):
    """A fact of one transcript."""

    transcript_id: str


class TranscriptPartial(TranscriptEvent):
    """What is understood so far; a later one replaces it. `attempt` is the fencing epoch: what an earlier one said is void."""

    type_name: ClassVar[str] = "transcript.partial"
    text: str
    attempt: int
    done_seconds: float
    """How much of the audio has been heard."""


class TranscriptCompleted(TranscriptEvent):
    """The whole text is stored. The segments too; where there are very many, they are only in the transcript itself."""

    type_name: ClassVar[str] = "transcript.completed"
    text: str
    language: str | None = None
    engine: str | None = None
    duration_seconds: float | None = None
    segments: list[Segment] | None = None
    origin: TranscriptOrigin = "upload"


class TranscriptFailed(TranscriptEvent):
    """There will be no text."""

    type_name: ClassVar[str] = "transcript.failed"
    error: Problem
    origin: TranscriptOrigin = "upload"


class StateUpdated(Event):
    """The user's state has a new version. The last event of each version, so its place in the stream is that of the version."""

    type_name: ClassVar[str] = "state.updated"
    changed: list[str]


EVENTS: dict[str, type[Event]] = {
    event.type_name: event
    for event in (
        MessageCreated,
        GenerationQueued,
        GenerationStarted,
        GenerationRestarted,
        Token,
        Reasoning,
        ToolStarted,
        ToolFinished,
        ActionAsked,
        ToolApproval,
        MessageCompleted,
        MessageFailed,
        MessageCancelled,
        ConversationCreated,
        ConversationUpdated,
        ConversationDeleted,
        ActionCreated,
        TaskCreated,
        TaskUpdated,
        TaskDeleted,
        NoteCreated,
        NoteUpdated,
        NoteDeleted,
        MemoryCreated,
        MemoryUpdated,
        MemoryDeleted,
        CalendarCreated,
        CalendarUpdated,
        CalendarDeleted,
        PlanUpdated,
        PreferencesUpdated,
        PersonaCreated,
        PersonaUpdated,
        PersonaDeleted,
        WorkflowUpdated,
        TravelUpdated,
        TravelDeleted,
        TranscriptPartial,
        TranscriptCompleted,
        TranscriptFailed,
        StateUpdated,
    )
}

TERMINAL = frozenset(event.type_name for event in (MessageCompleted, MessageFailed, MessageCancelled))
