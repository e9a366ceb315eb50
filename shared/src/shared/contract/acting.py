"""What is said about tools between services: a worker has memory keep what it does, a person decides, others call tools."""

from typing import Any, Literal

from pydantic import Field

from shared.contract.base import Message
from shared.contract.memory import Done
from shared.contract.objects import Problem, Usage
from shared.contract.person import Action
from shared.contract.tools import Approval, CallOutcome, Round, Tool, ToolCallState, ToolPolicy
from shared.contract.topics import Call

# --- from the worker's side: each is refused with `lost_lease` when the epoch is not the running one -------------------------


class PlannedCall(Message):
    """A call that the model asked for, and what the worker makes of it: `ask` needs an approval first."""

    id: str
    name: str
    arguments: dict[str, Any]
    policy: ToolPolicy = "auto"
    idempotent: bool = False


class KeepRound(Message):
    """A round of the model has ended with calls. Kept before any of them is made; the same again changes nothing.

    `ask` calls get an approval, which is told as `tool.approval`; `never` ones are rejected. Ids of calls are unique within the
    generation, and rounds are numbered one after the other from 0: `invalid_request` otherwise. Refused with
    `budget_exhausted` when nothing is left for the next round.
    """

    generation_id: str
    user: str
    epoch: int
    number: int
    text: str = ""
    model: str | None = None
    usage: Usage | None = None
    calls: list[PlannedCall] = Field(min_length=1)


class BeginCall(Message):
    """The call is about to be made and may not be made twice: from now on a worker that finds it begun knows that. Uses the
    approval up. Answered with what there is; only `running` may be made.

    One that an earlier attempt has begun, and that is not idempotent, becomes `unknown`.
    """

    generation_id: str
    user: str
    epoch: int
    call_id: str


class KeepResult(Message):
    """What came of a call. The same again changes nothing; another outcome of a call that has one is `idempotency_mismatch`."""

    generation_id: str
    user: str
    epoch: int
    call_id: str
    status: CallOutcome
    result: Any = None
    error: Problem | None = None


class CarryOut(Message):
    """The call is one of memory's own actions: does it, tells of it (`action.created`), and keeps the result, all in one.

    The same again is answered the same. What is refused is a failed call.
    """

    generation_id: str
    user: str
    epoch: int
    call_id: str
    action: Action


class SuspendGeneration(Message):
    """Nothing is left to be done until somebody decides: the generation is `waiting`, and ordered again after the decision (at
    once when it was made meanwhile). One that somebody asked to stop ends as cancelled instead, with the text of its rounds."""

    generation_id: str
    user: str
    epoch: int


# --- from the user's side ----------------------------------------------------------------------------------------------------


class ListApprovals(Message):
    """Approvals of this user that wait, newest first."""

    user: str
    conversation_id: str | None = None
    limit: int = 100


class Approvals(Message):
    """What waits for a decision."""

    approvals: list[Approval]


class DecideApproval(Message):
    """Agree or not. The same decision again is answered the same.

    Refused with `unknown_approval`; `approval_decided` when it was decided otherwise or is over; `arguments_changed` when the
    hash is of other arguments.
    """

    user: str
    approval_id: str
    decision: Literal["approve", "reject"]
    arguments_hash: str


# --- asked of inference ------------------------------------------------------------------------------------------------------


class ListTools(Message):
    """Which tools are there for this user?"""

    user: str


class Tools(Message):
    """Built-in ones first."""

    tools: list[Tool]


class CallTool(Message):
    """Make this call for work in the background. `key` stands for the call wherever it is repeated. `warm_only` work is refused
    `heavy` tools, and so are tools whose policy is `ask`, unless the person has `approved` just this call in another way.
    Refused with `unknown_tool`, `tool_refused`, `invalid_request`; Busy while there are too many."""

    user: str
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict[str, Any])
    key: str
    warm_only: bool = False
    approved: bool = False


class ToolAnswer(Message):
    """What a tool answered."""

    status: CallOutcome
    result: Any = None
    error: Problem | None = None


KEEP_ROUND = Call("memory", "keep_round", KeepRound, Round)
BEGIN_CALL = Call("memory", "begin_call", BeginCall, ToolCallState)
KEEP_RESULT = Call("memory", "keep_result", KeepResult, Done)
CARRY_OUT = Call("memory", "carry_out", CarryOut, ToolCallState)
SUSPEND_GENERATION = Call("memory", "suspend_generation", SuspendGeneration, Done)
LIST_APPROVALS = Call("memory", "list_approvals", ListApprovals, Approvals)
DECIDE_APPROVAL = Call("memory", "decide_approval", DecideApproval, Approval)
LIST_TOOLS = Call("inference", "list_tools", ListTools, Tools)
CALL_TOOL = Call("inference", "call_tool", CallTool, ToolAnswer)
