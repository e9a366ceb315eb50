"""What a workflow can meet, and the problem that its reader sees."""

from typing import Any

from shared.contract.objects import Problem
from shared.errors import Fault, Refused

MOST_CHARACTERS = 500


class NonRetryable(Exception):
    """Raised in a step: another attempt would fail like this one."""


class StepError(Exception):
    """Raised where a workflow awaits a step that has failed for good."""

    def __init__(self, step: str, problem: Problem) -> None:
        super().__init__(f"The step {step!r} failed: {problem.message}")
        self.step = step
        self.problem = problem


class EventTimedOut(TimeoutError):
    """Raised where a workflow waits for an event that did not come in time."""


class Doomed(Exception):
    """The engine itself ends the workflow."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(code=code, message=message)


def problem_of(error: BaseException) -> Problem:
    """The problem of what a step or a workflow has raised: the first one of a group."""
    match error:
        case BaseExceptionGroup():
            group: BaseExceptionGroup[Any] = error
            return problem_of(group.exceptions[0])
        case StepError():
            return Problem(code="step_failed", message=_cut(str(error)))
        case Doomed():
            return error.problem
        case Fault():
            return Problem(code=error.code, message=_cut(str(error)))
        case EventTimedOut() | TimeoutError():
            return Problem(code="timed_out", message=_cut(str(error) or "It took too long."))
        case _:
            name = type(error).__name__
            return Problem(code="failed", message=_cut(f"{name}: {error}" if str(error) else name))


def may_be_retried(error: BaseException) -> bool:
    """Whether another attempt might go better. What is refused once is refused again."""
    return not isinstance(error, (NonRetryable, Refused))


def _cut(text: str) -> str:
    text = text.encode(errors="replace").decode()  # lone surrogates have no place in a journal (F35)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
