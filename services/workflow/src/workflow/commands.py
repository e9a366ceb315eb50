"""What callers may ask of a workflow: each a pure function from what is recorded to the lines to record, or a refusal."""

from datetime import datetime

from shared.contract.journal import EventReceived, Line, WorkflowPaused, WorkflowRestarted, WorkflowResumed, WorkflowTerminated
from shared.contract.workflow import RestartWorkflow, SendWorkflowEvent
from shared.errors import LimitReached, UnknownStep, WorkflowEnded
from workflow.history import History
from workflow.plain import plain

MOST_EARLY_EVENTS = 1_000
"""Events that may wait in a journal for a step that takes them."""


def pause(history: History, now: datetime) -> list[Line]:
    """Raises WorkflowEnded."""
    _must_go_on(history)
    return [] if history.standing.paused else [WorkflowPaused(at=now)]


def resume(history: History, now: datetime) -> list[Line]:
    """Raises WorkflowEnded."""
    _must_go_on(history)
    return [WorkflowResumed(at=now)] if history.standing.paused else []


def terminate(history: History, now: datetime) -> list[Line]:
    """Raises WorkflowEnded, unless it was terminated before."""
    if history.status == "terminated":
        return []
    _must_go_on(history)
    return [WorkflowTerminated(at=now)]


def restart(question: RestartWorkflow, history: History, now: datetime) -> list[Line]:
    """Raises UnknownStep."""
    if question.from_step is not None and question.from_step not in history.records:
        raise UnknownStep
    return [WorkflowRestarted(at=now, from_step=question.from_step)]


def send_event(question: SendWorkflowEvent, event_id: str, history: History, now: datetime) -> list[Line]:
    """Raises WorkflowEnded, LimitReached, and NonRetryable for what can't stand in a journal.

    One that is known changes nothing, also when the workflow has ended since: whoever repeats it has not heard the answer.
    """
    if event_id in history.received:
        return []
    _must_go_on(history)
    if len(history.events) >= MOST_EARLY_EVENTS:
        raise LimitReached("This workflow has not taken the events that it was sent before.")
    payload = plain(question.payload, "The payload")
    return [EventReceived(at=now, event_id=event_id, type=question.type, payload=payload)]


def _must_go_on(history: History) -> None:
    if history.end is not None:
        raise WorkflowEnded
