"""What memory is asked, and what it answers. The caller has checked who the user is; memory checks what is theirs."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from shared.contract.base import Message
from shared.contract.objects import (
    Attachment,
    Channel,
    ChatMessage,
    Conversation,
    FinishReason,
    GenerationStatus,
    IfBusy,
    Problem,
    PromptMessage,
    Sampling,
    Usage,
)
from shared.contract.person import Action
from shared.contract.tools import Round, ToolSpec
from shared.contract.topics import Call


class BeginsAnswer(Message):
    """What begins an answer. `after` is a cursor of the user's feed from before: the same request later is answered with it."""

    user: str
    client_message_id: str | None = None
    after: str | None = None


# --- a turn, from the user's side ------------------------------------------------------------------------------------


class SendMessage(BeginsAnswer):
    """Store this user message and queue an answer to it.

    The same `client_message_id` again gives the same answer (422 `idempotency_mismatch` with another body).
    Without `conversation_id` a conversation is created. `last_seen` is the id of the newest message the device had.
    `history` are messages the client brought along; they become the beginning of a new conversation. An old one takes only
    results of tools.

    `chat` is the client's own name for the conversation, in place of an id: see `chat_ids`. It begins when there is none yet.

    `client_tools` are the client's: the model is told of them instead of ours, and its answer ends with what it calls. The
    client carries the calls out and sends the results as messages of role `tool`, the last one as this message.
    """

    text: str
    role: Literal["user", "tool"] = "user"
    tool_call_id: str | None = None
    name: str | None = None
    conversation_id: str | None = None
    chat: str | None = None
    channel: Channel = "chat"
    context_ids: list[str] = Field(default_factory=list[str])
    persona: str | None = None
    model: str | None = None
    language: str | None = None
    intent: str | None = None
    attachments: list[Attachment] = Field(default_factory=list[Attachment])
    last_seen: str | None = None
    if_busy: IfBusy = "queue"
    temporary: bool = False
    history: list[PromptMessage] = Field(default_factory=list[PromptMessage])
    sampling: Sampling = Sampling()
    client_tools: list[ToolSpec] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    """These three as every OpenAI-compatible server takes them."""
    instructions: str | None = None
    """For this answer only, before the conversation; then the persona's are left out."""


class Accepted(Message):
    """The message is stored and its answer is queued or running."""

    conversation_id: str
    message_id: str
    """The user message that is answered."""
    answer_id: str
    """The assistant message that the answer will fill."""
    generation_id: str
    queue_position: int
    """How many answers of this conversation come first; 0 when it can start at once."""
    repeated: bool = False
    """Whether this was accepted before, under the same key."""
    after: str | None = None
    """The cursor that came with the request, the first time."""


class Regenerate(BeginsAnswer):
    """Answer again. `message_id` is an assistant message, or the user message it answers. The old answer stays."""

    conversation_id: str
    message_id: str
    client_message_id: str | None = None


class EditMessage(BeginsAnswer):
    """Put a changed user message beside the old one, as a new branch, and answer it."""

    message_id: str
    text: str
    client_message_id: str | None = None


class StopGeneration(Message):
    """Stop one generation of the conversation, or all that are open. Idempotent."""

    user: str
    conversation_id: str
    generation_id: str | None = None


class Stopping(Message):
    """The generations that were still open and now stop."""

    generation_ids: list[str]


# --- a turn, from the worker's side ----------------------------------------------------------------------------------


class ClaimGeneration(Message):
    """A worker wants to run this generation. `worker` names the process, for the logs."""

    generation_id: str
    user: str = ""
    worker: str


class Claim(Message):
    """What the worker may do.

    `run`: the lease is yours until `lease_seconds` from now; everything else is set. `stop` with it: finish it with what was
    said so far, as failed when there is a `problem`, else as cancelled, because somebody asked to stop it. `wait`: another
    worker holds the lease, or an earlier answer of the conversation still runs; come back in `lease_seconds`. `done`: nothing
    to do.
    """

    decision: Literal["run", "wait", "done"]
    lease_seconds: float = 0
    stop: bool = False
    epoch: int = 0
    user: str = ""
    conversation_id: str = ""
    answer_id: str = ""
    model: str | None = None
    persona: str | None = None
    language: str | None = None
    sampling: Sampling = Sampling()
    instructions: str | None = None
    """The persona's; the all-round assistant's when none was named."""
    acting: str | None = None
    """How to ask for actions by words: for a model that is given no tools, after the instructions."""
    context: str | None = None
    """What is known of the person: for the model, after that."""
    messages: list[PromptMessage] = Field(default_factory=list[PromptMessage])
    rounds: list[Round] = Field(default_factory=list[Round])
    """What an earlier attempt has done already: go on after it."""
    preferences: dict[str, Any] = Field(default_factory=dict[str, Any])
    """The person's; nothing in a temporary conversation."""
    temporary: bool = False
    """Nobody sees the conversation again: no tools of ours, no actions."""
    client_tools: list[ToolSpec] | None = None
    """When set, the model gets these and no others, and nothing that it calls is carried out here."""
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    untrusted: bool = False
    """The model reads what somebody else may have written: attachments, notes chosen for the message."""
    problem: Problem | None = None
    """Why it was given up."""


class RenewLease(Message):
    """The worker still runs it. Refused with `lost_lease` when the epoch is not the running one."""

    generation_id: str
    user: str = ""
    epoch: int


class Lease(Message):
    """The lease is extended. `stop`: somebody asked to stop this generation."""

    lease_seconds: float
    stop: bool


class FinishGeneration(Message):
    """The one end of a generation. Accepted only for the running epoch; the same again is answered the same.

    `text` and `usage` are of the whole answer: that of its rounds and what came after them. Without a text it is that of the
    rounds. What the rounds called is kept already; `tool_calls` are others, which a client shall make.

    Refused with `lost_lease` when another attempt runs or it ended otherwise.
    """

    generation_id: str
    user: str = ""
    epoch: int
    outcome: Literal["completed", "failed", "cancelled"]
    text: str
    model: str | None = None
    usage: Usage | None = None
    finish_reason: FinishReason = "stop"
    error: Problem | None = None
    prompt_hash: str | None = None
    output_hash: str | None = None
    actions: list[Action] = Field(default_factory=list[Action])
    """What the model asked to be done, beyond what can be read from the text."""
    tool_calls: list[dict[str, Any]] | None = None
    heed: bool = True
    """Do what the text asks for. Not when tools have done it, nor after the model read what others may have written."""


class ReleaseGeneration(Message):
    """The worker must stop and gives the generation back: it is queued again, for another worker, at once."""

    generation_id: str
    user: str = ""
    epoch: int


class AbandonGeneration(Message):
    """No worker could do it: the order goes to the dead letters. Ends the generation as failed unless it has ended. One that
    was begun is ordered once more, so that a worker ends it with the text that was shown."""

    generation_id: str
    user: str = ""
    error: Problem


class GenerationState(Message):
    """How the generation stands now."""

    generation_id: str
    status: GenerationStatus


# --- reading ---------------------------------------------------------------------------------------------------------


class ListConversations(Message):
    """Newest first. `cursor` is the `next` of the page before."""

    user: str
    limit: int = 50
    cursor: str | None = None


class Conversations(Message):
    """A page of conversations; `next` is null on the last one."""

    conversations: list[Conversation]
    next: str | None = None


class GetConversation(Message):
    """One conversation."""

    user: str
    conversation_id: str


class CreateConversation(Message):
    """An empty conversation."""

    user: str
    title: str | None = None
    persona: str | None = None
    temporary: bool = False
    client_id: str | None = None


class UpdateConversation(Message):
    """Changes what is given. `head_id` shows the branch that ends in this message."""

    user: str
    conversation_id: str
    title: str | None = None
    persona: str | None = None
    temporary: bool | None = None
    head_id: str | None = None


class DeleteConversation(Message):
    """Deletes the conversation with its messages; open generations of it are cancelled first."""

    user: str
    conversation_id: str


class ClearHistory(Message):
    """Deletes one conversation, or all of this user."""

    user: str
    conversation_id: str | None = None


class Deleted(Message):
    """What is gone now."""

    conversation_ids: list[str]


class ListMessages(Message):
    """Messages of a conversation: the newest `limit` before the message `before`, in the order they were written.

    `branch` (default): only the branch that is shown; otherwise every message of the tree.
    """

    user: str
    conversation_id: str
    before: str | None = None
    limit: int = 50
    branch: bool = True


class Messages(Message):
    """A page of messages, oldest first. `next` is the `before` of the page with older ones, or null."""

    messages: list[ChatMessage]
    next: str | None = None


class OpenStream(Message):
    """A reader wants to follow this conversation, or everything. `until`: a user message or an assistant message of it."""

    user: str
    conversation_id: str | None = None
    until: str | None = None


class StreamOpening(Message):
    """What the reader has to know. `until_ended`: the answer that `until` names has already ended."""

    running_generation_id: str | None = None
    until_ended: bool = False


class PresenceChange(Message):
    """A stream or socket of a user was opened, or closed."""

    user: str
    session_id: str
    device: str | None = None
    connected_at: datetime
    active: bool


class RecordPresence(Message):
    """What changed at one gateway since its last report. Also its sign of life: sent at least every 10 s."""

    gateway: str
    changes: list[PresenceChange]


class CheckHealth(Message):
    """Can memory keep things right now? Answered with Done, or with the fault that writing meets."""


class Done(Message):
    """It is done; there is nothing to say."""


# --- the calls -------------------------------------------------------------------------------------------------------

SEND_MESSAGE = Call("memory", "send_message", SendMessage, Accepted)
REGENERATE = Call("memory", "regenerate", Regenerate, Accepted)
EDIT_MESSAGE = Call("memory", "edit_message", EditMessage, Accepted)
STOP_GENERATION = Call("memory", "stop_generation", StopGeneration, Stopping)
CLAIM_GENERATION = Call("memory", "claim_generation", ClaimGeneration, Claim)
RENEW_LEASE = Call("memory", "renew_lease", RenewLease, Lease)
FINISH_GENERATION = Call("memory", "finish_generation", FinishGeneration, GenerationState)
RELEASE_GENERATION = Call("memory", "release_generation", ReleaseGeneration, GenerationState)
ABANDON_GENERATION = Call("memory", "abandon_generation", AbandonGeneration, GenerationState)
LIST_CONVERSATIONS = Call("memory", "list_conversations", ListConversations, Conversations)
GET_CONVERSATION = Call("memory", "get_conversation", GetConversation, Conversation)
CREATE_CONVERSATION = Call("memory", "create_conversation", CreateConversation, Conversation)
UPDATE_CONVERSATION = Call("memory", "update_conversation", UpdateConversation, Conversation)
DELETE_CONVERSATION = Call("memory", "delete_conversation", DeleteConversation, Deleted)
CLEAR_HISTORY = Call("memory", "clear_history", ClearHistory, Deleted)
LIST_MESSAGES = Call("memory", "list_messages", ListMessages, Messages)
OPEN_STREAM = Call("memory", "open_stream", OpenStream, StreamOpening)
RECORD_PRESENCE = Call("memory", "record_presence", RecordPresence, Done)
CHECK_HEALTH = Call("memory", "check_health", CheckHealth, Done)
