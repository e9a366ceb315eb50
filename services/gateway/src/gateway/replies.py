"""What the JSON routes answer with: rendered once, and described for the document. Nothing is validated on the way out."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field, RootModel
from pydantic_core import to_json
from starlette.responses import Response

from shared.contract.account import StoredOutput
from shared.contract.base import Message
from shared.contract.journal import WorkflowStatus
from shared.contract.objects import ChatMessage, Conversation, Problem
from shared.contract.person import CalendarEvent, Persona
from shared.contract.state import State
from shared.contract.tools import Approval
from shared.contract.trip import Trip

Shown = dict[int | str, dict[str, Any]]


def reply(body: Message | dict[str, Any], status: int = 200) -> Response:
    """An answer of JSON. A message is written as it travels."""
    content = body.encode() if isinstance(body, Message) else to_json(body)
    return Response(content, status, media_type="application/json")


def shows(model: type[BaseModel], status: int = 200) -> Shown:
    """The `responses` of a route that answers with this model."""
    return {status: {"model": model, "description": (model.__doc__ or "").partition("\n")[0]}}


class Receipt(Message):
    """The message is stored and will be answered."""

    status: Literal["accepted"]
    message_id: str
    answer_id: str
    generation_id: str
    conversation_id: str
    stream_url: str
    queue_position: int


class ChatReceipt(Receipt):
    """The same for a front end that knows chats."""

    chat_id: str


class BeingStopped(Message):
    """The answers that were still open."""

    status: Literal["stopping"]
    generation_ids: list[str]


class Reply(Message):
    """The whole answer."""

    reply: str
    conversation_id: str
    message_id: str


class History(Message):
    """Messages, oldest first."""

    messages: list[ChatMessage]


class ListedChat(Conversation):
    """A conversation under the name that some front ends have for it."""

    id: str = Field(alias="chatId")


class Chats(Message):
    """Chats, newest first."""

    chats: list[ListedChat]


class ChatWithMessages(ListedChat):
    """One chat and what was said in it."""

    messages: list[ChatMessage]


class Snapshot(State):
    """Everything of a user, and the cursor to go on from. A message that is being answered has `attempt` and `nextIndex` too:
    its text is that of the token events before the cursor."""

    cursor: str


class PreferenceValues(RootModel[dict[str, Any]]):
    """All preferences that are set."""


class Appointed(CalendarEvent):
    """A calendar entry, and the travel event that it is, if it is one."""

    travel_event: CalendarEvent | None = None


class PersonaList(Message):
    """The built-in ones, then one's own."""

    personas: list[Persona]
    next: None = None


class ShownSchedule(Message):
    """What is begun at every moment of `cron`, or once, `at`. `missed`: moments at which nothing could run."""

    id: str
    type: str
    params: Any = None
    cron: str | None = None
    at: datetime | None = None
    timezone: str
    created_at: datetime
    next_at: datetime
    last_at: datetime | None = None
    runs: int
    missed: int


class ScheduleList(Message):
    """All of them, the next one first."""

    schedules: list[ShownSchedule]
    next: None = None


class ScheduleDropped(Message):
    """There is none of this id."""

    id: str


class TripList(Message):
    """Trips that are still to come, the next one first."""

    upcoming_trips: list[Trip]


class ErrandNow(Message):
    """How far a goal is. `output` has `plan` and `result` when it is completed."""

    id: str
    status: WorkflowStatus
    output: dict[str, Any] | None
    error: Problem | None = None


class ApprovalList(Message):
    """What waits for a decision, newest first."""

    approvals: list[Approval]
    next: None = None


class AccountErased(Message):
    """How much of what is gone."""

    erased: dict[str, Any]


class OutputStored(StoredOutput):
    """What came of an output."""

    status: Literal["stored"]


class Provider(Message):
    """An OpenID provider that the web page signs in with."""

    issuer: str
    client_id: str
    scopes: str


class PageConfig(Message):
    """How people sign in."""

    auth: Literal["dev", "jwt"]
    oidc: Provider | None = None


class SessionOpened(Message):
    """Whose cookie it is."""

    user_id: str


class SessionRenewed(SessionOpened):
    """Whose session it is, and when it has to be renewed again."""

    expires_in: int


class Status(Message):
    """A word for a machine."""

    status: Literal["ok", "ready"]


class ListedModel(BaseModel):
    """A model, as OpenAI's libraries read it."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    description: str
    kind: str
    context_length: int | None
    max_output: int | None
    pricing: dict[str, Any]
    capabilities: list[str]
    fallback: list[str]


class ModelList(BaseModel):
    """Every model that can be named."""

    object: Literal["list"]
    data: list[ListedModel]


class Completion(BaseModel):
    """The whole answer; with `stream` chunks of it as server-sent events."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, Any] | None
