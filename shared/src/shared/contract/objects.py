"""The nouns that clients see: conversations and messages, and what they are made of."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from shared.contract.base import Message
from shared.contract.person import DoneAction

Role = Literal["user", "assistant", "tool", "system"]
Channel = Literal["chat", "voice", "command"]
MessageStatus = Literal["pending", "streaming", "completed", "failed", "cancelled"]
GenerationStatus = Literal["queued", "running", "waiting", "completed", "failed", "cancelled"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "error", "cancelled"]
IfBusy = Literal["queue", "reject", "interrupt"]


class Problem(Message):
    """What went wrong: `code` is stable, `message` is a sentence for people."""

    code: str
    message: str


class Usage(Message):
    """What an answer cost, in tokens as the model counts them; `estimated`: as we do, where its server did not say."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    estimated: bool | None = None


class Attachment(Message):
    """A piece of text that came with a message."""

    name: str = Field(max_length=255)
    text: str = Field(max_length=1_048_576)
    media_type: str = Field(default="text/plain", max_length=127)


class ChatMessage(Message):
    """One message of a conversation. `parent_id` is the message it follows: the conversation is a tree."""

    id: str
    conversation_id: str
    parent_id: str | None = None
    role: Role
    text: str
    status: MessageStatus
    generation_id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    finish_reason: FinishReason | None = None
    error: Problem | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None
    """Of a tool's message: the call that it answers."""
    name: str | None = None
    actions: list[DoneAction] | None = None
    attachments: list[Attachment] | None = None
    channel: Channel | None = None
    client_message_id: str | None = None
    created_at: datetime


class Conversation(Message):
    """A conversation without its messages. `head_id` is the newest message of the branch that is shown."""

    id: str
    title: str | None = None
    persona: str | None = None
    temporary: bool = False
    head_id: str | None = None
    running_generation_id: str | None = None
    created_at: datetime
    updated_at: datetime


class Session(Message):
    """One open stream or socket of a user, as the gateways last reported it."""

    session_id: str
    device: str | None = None
    connected_at: datetime
    last_seen: datetime
    active: bool


class Sampling(Message):
    """Parameters of a model call, with the names every OpenAI-compatible server knows. Absent means the model's default."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    stop: list[str] | None = Field(default=None, max_length=16)
    seed: int | None = None
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)


class PromptCall(Message):
    """A call in a model's message. What a client brought along is the JSON it had, unchanged."""

    id: str
    name: str
    arguments: dict[str, Any] | str


class PromptMessage(Message):
    """One message of the list a model is given. `tool_calls` are an assistant's; a tool's message names the one it answers."""

    role: Role
    text: str
    tool_calls: list[PromptCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None
