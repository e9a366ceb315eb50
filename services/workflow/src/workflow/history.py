"""What a journal says: a fold over its pages. Old pages and one more give what reading all of them gives."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from shared.contract.journal import (
    EventReceived,
    JournalPage,
    Line,
    PatchApplied,
    RunTaken,
    SleepBegun,
    SleepEnded,
    StepCompleted,
    StepFailed,
    StepStarted,
    WaitBegun,
    WaitEnded,
    WorkflowCreated,
    WorkflowRestarted,
    WorkflowStatus,
)
from workflow.standing import ENDS, End, Standing

StepLine = StepStarted | StepCompleted | StepFailed | SleepBegun | SleepEnded | WaitBegun | WaitEnded | PatchApplied
STEP_LINES = (StepStarted, StepCompleted, StepFailed, SleepBegun, SleepEnded, WaitBegun, WaitEnded)
StepKind = Literal["step.do", "step.sleep", "step.wait_for_event", "step.patched"]

KINDS: dict[type[Any], StepKind] = {
    StepStarted: "step.do",
    StepCompleted: "step.do",
    StepFailed: "step.do",
    SleepBegun: "step.sleep",
    SleepEnded: "step.sleep",
    WaitBegun: "step.wait_for_event",
    WaitEnded: "step.wait_for_event",
    PatchApplied: "step.patched",
}


@dataclass(slots=True)
class Record:
    """What is recorded of one step."""

    kind: StepKind
    begun_at: datetime
    line: StepLine
    """The newest one."""
    failures: int = 0
    until: datetime | None = None

    @property
    def final(self) -> bool:
        """Whether the step has come to its end."""
        return is_final(self.line)


def is_final(line: Line) -> bool:
    """Whether this line is the last one of a step."""
    return isinstance(line, (StepCompleted, SleepEnded, WaitEnded, PatchApplied)) or (
        isinstance(line, StepFailed) and line.retry_at is None
    )


class History:
    """One workflow, as far as its journal was read."""

    def __init__(self) -> None:
        self.sequence = 0
        """Of the newest page, in the stream."""
        self.size = 0
        self.head: JournalPage | None = None
        """The first page, for what never changes."""
        self.created: WorkflowCreated | None = None
        self.updated_at: datetime | None = None
        self.standing = Standing()
        self.run = 1
        self.records: dict[str, Record] = {}
        """By step, in the order in which they were first recorded."""
        self.ends: list[str] = []
        """The steps that have come to their end, in that order."""
        self.events: dict[str, EventReceived] = {}
        """Those that no step has taken yet."""
        self.received: dict[str, EventReceived] = {}
        """All of them."""
        self.end: End | None = None
        self.last_page: JournalPage | None = None

    @property
    def status(self) -> WorkflowStatus:
        """As callers see it."""
        return self.standing.status

    def apply(self, sequence: int, page: JournalPage, size: int) -> None:
        """One page more. What was applied before changes nothing."""
        if sequence <= self.sequence:
            return
        self.sequence, self.size, self.last_page = sequence, self.size + size, page
        self.head = self.head or page
        for line in page.lines:
            self._apply(line)

    def status_with(self, lines: Iterable[Line]) -> WorkflowStatus:
        """The status that these lines would lead to."""
        standing = self.standing
        for line in lines:
            standing = standing.after(line)
        return standing.status

    def _apply(self, line: Line) -> None:
        self.standing = self.standing.after(line)
        self.updated_at = line.at
        if isinstance(line, ENDS):
            self.end = line
        elif (how := _HOW.get(type(line))) is not None:
            how(self, line)


def _create(history: History, line: WorkflowCreated) -> None:
    history.created = line


def _receive(history: History, line: EventReceived) -> None:
    if line.event_id not in history.received:
        history.received[line.event_id] = history.events[line.event_id] = line


def _restart(history: History, line: WorkflowRestarted) -> None:
    history.run += 1
    history.end = None
    keep: dict[str, Record] = {}
    if line.from_step is None:
        history.events, history.received = {}, {}
    else:
        steps = list(history.records)
        keep = {step: history.records[step] for step in steps[: steps.index(line.from_step)]}
    history.records = keep
    history.ends = [step for step in history.ends if step in keep]


def _step(history: History, line: StepLine) -> None:
    record = history.records.get(line.step)
    if record is None:
        begun = getattr(line, "started_at", line.at)
        record = history.records[line.step] = Record(KINDS[type(line)], begun, line)
    if record.final and record.line is not line:
        return  # the first end counts
    record.line = line
    match line:
        case StepFailed():
            record.failures, record.until = line.attempts, line.retry_at
        case SleepBegun() | WaitBegun():
            record.until = line.until
        case WaitEnded() if line.event_id is not None:
            history.events.pop(line.event_id, None)
        case _:
            pass
    if record.final:
        history.ends.append(line.step)


_HOW: dict[type[Any], Callable[[History, Any], None]] = {
    WorkflowCreated: _create,
    EventReceived: _receive,
    WorkflowRestarted: _restart,
    **dict.fromkeys(KINDS, _step),
}


def still_wanted(history: History, line: Line) -> bool:
    """Whether recording this would say something new, after others have written too."""
    if history.end is not None:
        return False
    if type(line) not in KINDS or isinstance(line, RunTaken):
        return True
    record = history.records.get(getattr(line, "step", ""))
    if record is None:
        return True
    return not record.final and not isinstance(line, (SleepBegun, WaitBegun, PatchApplied))
