"""A workflow as callers see it."""

from shared.contract.journal import (
    JournalPage,
    SleepBegun,
    SleepEnded,
    StepCompleted,
    StepFailed,
    StepStarted,
    StepStatus,
    WaitBegun,
    WaitEnded,
    WorkflowCompleted,
    WorkflowFailed,
)
from shared.contract.workflow import Step, Workflow, WorkflowState
from workflow.history import History, Record, StepLine


def state_of(history: History) -> WorkflowState:
    """All of it. There must be a first page."""
    head, created = history.head, history.created
    assert head is not None and created is not None  # noqa: S101, PT018 - callers have looked
    end = history.end
    return WorkflowState(
        id=head.workflow_id,
        type=head.type,
        status=history.status,
        created_at=head.created_at,
        updated_at=history.updated_at or head.created_at,
        version=created.version,
        run=history.run,
        params=created.params,
        tick=created.tick,
        steps=[step_of(name, record) for name, record in history.records.items() if record.kind != "step.patched"],
        output=end.output if isinstance(end, WorkflowCompleted) else None,
        error=end.error if isinstance(end, WorkflowFailed) else None,
    )


def summary_of(page: JournalPage) -> Workflow:
    """A workflow without its steps, from the newest page of its journal."""
    updated = page.lines[-1].at if page.lines else page.created_at
    return Workflow(id=page.workflow_id, type=page.type, status=page.status, created_at=page.created_at, updated_at=updated)


def step_of(name: str, record: Record) -> Step:
    """One step, as far as it has come."""
    line = record.line
    failed = line.error if isinstance(line, StepFailed) else None
    return Step(
        name=name,
        status=step_status(line),
        attempts=_attempts(record),
        started_at=record.begun_at,
        ended_at=line.at if record.final else None,
        error=failed,
        until=None if record.final else record.until,
    )


def step_status(line: StepLine) -> StepStatus:
    """What this line makes of its step."""
    match line:
        case StepCompleted() | SleepEnded() | WaitEnded():
            return "completed"
        case StepFailed():
            return "retrying" if line.retry_at else "failed"
        case SleepBegun():
            return "sleeping"
        case WaitBegun():
            return "waiting"
        case _:
            return "running"


def _attempts(record: Record) -> int:
    match record.line:
        case StepStarted():
            return record.line.attempt
        case StepCompleted() | StepFailed():
            return record.line.attempts
        case _:
            return 0
