"""One attempt at a step: calls its function, and turns whatever comes of it into a line of the journal."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.contract.journal import StepCompleted, StepFailed
from shared.errors import Busy
from workflow.failure import NonRetryable, may_be_retried, problem_of
from workflow.plain import weighed
from workflow.retries import Retries
from workflow.step import Attempt

Fn = Callable[[Attempt], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Raised:
    """What a function raised, as a value."""

    error: BaseException


async def outcome_of(fn: Fn, attempt: Attempt, timeout: timedelta) -> Any | Raised:
    """What the function returns or raises, or that it took too long."""
    limit = asyncio.timeout(timeout.total_seconds())
    try:
        async with limit:
            # As a value: a step may raise anything, and none of it may end the engine.
            (outcome,) = await asyncio.gather(_called(fn, attempt), return_exceptions=True)
    except TimeoutError:
        if limit.expired():
            return Raised(TimeoutError(f"It took longer than {timeout.total_seconds():g} s."))
        raise
    return Raised(outcome) if isinstance(outcome, BaseException) else outcome


async def _called(fn: Fn, attempt: Attempt) -> Any:
    return await fn(attempt)


Stow = Callable[[bytes], Awaitable[str]]


async def kept(step: str, outcome: Any | Raised, stow: Stow) -> "Raised | Kept":
    """The outcome as a journal takes it; what is too long is stowed, and only its name kept."""
    if isinstance(outcome, Raised):
        return outcome
    try:
        value, data = weighed(outcome, f"The result of the step {step!r}")
        return Kept(value) if data is None else Kept(None, await stow(data))
    except (NonRetryable, Busy) as error:
        return Raised(error)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a step has come to, or the name under which it is stowed."""

    output: Any
    blob: str | None = None


def judged(
    step: str, attempt: int, began: datetime, outcome: Kept | Raised, retries: Retries, now: datetime
) -> StepCompleted | StepFailed:
    """The line that this outcome makes."""
    if isinstance(outcome, Raised):
        return failed(step, attempt, began, outcome.error, retries, now)
    return StepCompleted(at=now, step=step, attempts=attempt, started_at=began, output=outcome.output, blob=outcome.blob)


def failed(step: str, attempt: int, began: datetime, error: BaseException, retries: Retries, now: datetime) -> StepFailed:
    """A failed attempt, and when the next one is due."""
    pause = retries.pause(attempt) if may_be_retried(error) else None
    if pause is not None and isinstance(error, Busy):
        pause = max(pause, timedelta(seconds=error.retry_after))
    retry_at = now + pause if pause is not None else None
    return StepFailed(at=now, step=step, attempts=attempt, started_at=began, error=problem_of(error), retry_at=retry_at)
