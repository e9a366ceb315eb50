"""The nouns of tools: how a model is told of them, calls and their rounds, and the leave that a person gives."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from shared.contract.base import Message
from shared.contract.objects import Problem, Usage

ToolPolicy = Literal["auto", "ask", "never"]
"""Whether a call is carried out at once, after somebody has agreed, or not at all."""

CallStatus = Literal["planned", "waiting", "approved", "running", "completed", "failed", "rejected", "unknown"]
"""`unknown`: its worker died in the middle, and it can't be repeated without harm."""

CallOutcome = Literal["completed", "failed", "rejected", "unknown"]
ApprovalStatus = Literal["waiting", "approved", "rejected", "expired", "withdrawn"]


class ToolSpec(Message):
    """A tool as a model is told of it; `parameters` is a JSON Schema of an object."""

    name: str = Field(min_length=1, max_length=128)
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict[str, Any])
    strict: bool | None = None
    """Of a client's: whether the server must keep calls to the schema."""


class Tool(ToolSpec):
    """A tool that can be called here. `heavy`: only in a turn that a person started. `server`: of MCP; none: built in."""

    policy: ToolPolicy = "auto"
    heavy: bool = False
    server: str | None = None


class ToolCallState(Message):
    """A call of one round, as far as it has come. `idempotent`: twice with the same key is as good as once."""

    id: str
    name: str
    arguments: dict[str, Any]
    status: CallStatus
    idempotent: bool = False
    result: Any = None
    error: Problem | None = None
    approval_id: str | None = None


class Round(Message):
    """What the model said before it waited for tools, and the tools it asked for. Rounds count from 0."""

    number: int
    text: str = ""
    usage: Usage | None = None
    calls: list[ToolCallState]


class Approval(Message):
    """The leave to make one call with exactly these arguments. Used once; `arguments_hash` is sha256 in hex of their JSON with
    sorted keys and no spaces."""

    id: str
    conversation_id: str
    generation_id: str
    message_id: str
    tool_call_id: str
    name: str
    arguments: dict[str, Any]
    arguments_hash: str
    status: ApprovalStatus
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
