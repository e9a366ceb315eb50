"""Where a workflow stands, as a small value that each line of its journal leads on. Who runs it, and who may."""

from dataclasses import dataclass, replace
from typing import Literal

from shared.contract.journal import (
    EventReceived,
    Line,
    RestStatus,
    RunRested,
    RunTaken,
    StepStarted,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowPaused,
    WorkflowRestarted,
    WorkflowResumed,
    WorkflowStatus,
    WorkflowTerminated,
)

End = WorkflowCompleted | WorkflowFailed | WorkflowTerminated
ENDS = (WorkflowCompleted, WorkflowFailed, WorkflowTerminated)


@dataclass(frozen=True, slots=True)
class Claim:
    """By which right a worker runs a workflow: an order that it was given, and how often that was given out."""

    worker: str
    order: int
    delivery: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that the status depends on."""

    paused: bool = False
    rest: RestStatus | None = None
    holder: Claim | None = None
    end: WorkflowStatus | None = None
    barren: int = 0
    """How often it was taken since it came any further."""

    @property
    def status(self) -> WorkflowStatus:
        """As callers see it."""
        if self.end or self.paused:
            return self.end or "paused"
        return self.rest or ("running" if self.holder else "queued")

    def let_go(self) -> "Standing":
        """The same without its holder, whose order is no more: nobody would take over."""
        return replace(self, holder=None)

    def after(self, line: Line) -> "Standing":
        """Where it stands with one more line."""
        match line:
            case RunTaken():
                holder = Claim(line.worker, line.order, line.delivery)
                led = replace(self, holder=holder, rest=None, barren=self.barren + 1)
            case RunRested():
                led = replace(self, holder=None, rest=line.status, barren=0)
            case StepStarted() | EventReceived():
                led = self  # Neither says that a worker lived through anything.
            case WorkflowPaused():
                led = replace(self, paused=True)
            case WorkflowResumed():
                led = replace(self, paused=False, rest=None)
            case WorkflowRestarted():
                led = Standing(holder=self.holder)
            case WorkflowCompleted() | WorkflowFailed() | WorkflowTerminated():
                led = Standing(end=line.kind)
            case _:
                led = replace(self, barren=0) if self.barren else self
        return led


Right = Literal["free", "ours", "newer", "stale", "other"]


def right(holder: Claim | None, claim: Claim) -> Right:
    """What a claim is worth beside the holder's: an order that is given out again is the right of who has it now."""
    if holder is None:
        return "free"
    if holder == claim:
        return "ours"
    if holder.order != claim.order:
        return "other"
    return "stale" if holder.delivery > claim.delivery else "newer"
