"""Every line of a workflow's journal: what it has done, in the order in which it was recorded."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.contract.base import Message
from shared.contract.objects import Problem

WorkflowStatus = Literal["queued", "running", "waiting", "sleeping", "paused", "completed", "failed", "terminated"]
StepStatus = Literal["running", "retrying", "sleeping", "waiting", "completed", "failed"]
RestStatus = Literal["sleeping", "waiting", "paused"]


class Fact(Message):
    """One thing that has happened to a workflow."""

    at: datetime


class Tick(Message):
    """Why a scheduled workflow runs: which moment was due, and how many before it came to nothing."""

    schedule_id: str
    due: datetime
    missed: int = 0


class WorkflowCreated(Fact):
    """It begins to exist. `version` is that of the code it began with."""

    kind: Literal["created"] = "created"
    version: int
    params: Any = None
    tick: Tick | None = None


class RunTaken(Fact):
    """A worker runs it now, on behalf of this order; `delivery` counts how often the order was given out."""

    kind: Literal["taken"] = "taken"
    worker: str
    order: int
    delivery: int


class StepStarted(Fact):
    """A step is under way. Recorded only for those that take long enough to be looked at."""

    kind: Literal["step.started"] = "step.started"
    step: str
    attempt: int


class StepCompleted(Fact):
    """What a step has come to; it is never done again. `blob` names where the output is kept that is too long for a line."""

    kind: Literal["step.completed"] = "step.completed"
    step: str
    attempts: int
    started_at: datetime
    output: Any = None
    blob: str | None = None


class StepFailed(Fact):
    """An attempt at a step has failed: for good, or until `retry_at`."""

    kind: Literal["step.failed"] = "step.failed"
    step: str
    attempts: int
    started_at: datetime
    error: Problem
    retry_at: datetime | None = None


class SleepBegun(Fact):
    """It sleeps."""

    kind: Literal["sleep.begun"] = "sleep.begun"
    step: str
    until: datetime


class SleepEnded(Fact):
    """It has slept enough."""

    kind: Literal["sleep.ended"] = "sleep.ended"
    step: str


class WaitBegun(Fact):
    """It waits for an event of this type."""

    kind: Literal["wait.begun"] = "wait.begun"
    step: str
    type: str
    until: datetime


class WaitEnded(Fact):
    """The event came, or the time is over."""

    kind: Literal["wait.ended"] = "wait.ended"
    step: str
    event_id: str | None = None


class EventReceived(Fact):
    """Somebody sent it an event. It is kept until a step waits for one of its type."""

    kind: Literal["event.received"] = "event.received"
    event_id: str
    type: str
    payload: Any = None


class PatchApplied(Fact):
    """From here on it follows the changed code of this name."""

    kind: Literal["patch.applied"] = "patch.applied"
    step: str


class RunRested(Fact):
    """No worker runs it any more; it goes on at `wake_at`, or when something happens."""

    kind: Literal["rested"] = "rested"
    status: RestStatus
    wake_at: datetime | None = None


class WorkflowPaused(Fact):
    """Somebody paused it: what runs is finished and recorded, nothing else begins."""

    kind: Literal["paused"] = "paused"


class WorkflowResumed(Fact):
    """Somebody resumed it."""

    kind: Literal["resumed"] = "resumed"


class WorkflowRestarted(Fact):
    """Somebody had it begin again: all of it, or from this step on."""

    kind: Literal["restarted"] = "restarted"
    from_step: str | None = None


class WorkflowCompleted(Fact):
    """It has come to its end."""

    kind: Literal["completed"] = "completed"
    output: Any = None


class WorkflowFailed(Fact):
    """It can't go on."""

    kind: Literal["failed"] = "failed"
    error: Problem


class WorkflowTerminated(Fact):
    """Somebody ended it."""

    kind: Literal["terminated"] = "terminated"


Line = Annotated[
    WorkflowCreated
    | RunTaken
    | StepStarted
    | StepCompleted
    | StepFailed
    | SleepBegun
    | SleepEnded
    | WaitBegun
    | WaitEnded
    | EventReceived
    | PatchApplied
    | RunRested
    | WorkflowPaused
    | WorkflowResumed
    | WorkflowRestarted
    | WorkflowCompleted
    | WorkflowFailed
    | WorkflowTerminated,
    Field(discriminator="kind"),
]


class JournalPage(Message):
    """Lines that were recorded together, and the status they led to. One message of the stream `JOURNAL`."""

    id: str
    user: str
    workflow_id: str
    type: str
    status: WorkflowStatus
    created_at: datetime
    lines: list[Line]
