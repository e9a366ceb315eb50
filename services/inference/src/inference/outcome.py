"""How an answer ends: the decision, pure, and telling memory until it knows."""

from dataclasses import dataclass
from typing import Final, Literal

import structlog

from inference.answer import Answer
from inference.failure import ModelFailed, TooLong, UpstreamTimeout
from inference.guard import Reason
from inference.lease import insist
from inference.ports import Memory
from shared.contract.memory import FinishGeneration
from shared.contract.objects import FinishReason, Problem
from shared.errors import LostLease, TooLarge, UnknownGeneration

log: structlog.stdlib.BoundLogger = structlog.get_logger()

CANCELLED: Final = Problem(code="cancelled", message="The answer was stopped.")

SURELY_FITS: Final = 50_000
"""Characters of an answer whose end fits into a NATS message, whatever they are."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The one end of a generation."""

    kind: Literal["completed", "failed", "cancelled"]
    reason: FinishReason
    problem: Problem | None = None


def outcome_of(reason: Reason | None, failure: ModelFailed | None, answer: Answer) -> Outcome:
    """What it is that ended: stopped by somebody, late, failed, or complete. Being stopped outweighs a failure."""
    if reason == "stopped":
        return Outcome("cancelled", "cancelled", CANCELLED)
    if reason is not None:
        failure = UpstreamTimeout(f"{reason} deadline")
    if failure is not None:
        return Outcome("failed", "length" if failure.code == TooLong.code else "error", failure.problem)
    return Outcome("completed", answer.reason or "stop")


async def finish(memory: Memory, end: FinishGeneration) -> bool:
    """Tells memory, however long it is away. False when the generation was another attempt's, or is gone."""
    try:
        await insist(memory.finish, end)
    except (LostLease, UnknownGeneration):
        log.info("generation.lost", generation=end.generation_id, epoch=end.epoch)
        return False
    except TooLarge:
        if len(end.text) <= SURELY_FITS:
            raise
        cut = {"outcome": "failed", "text": end.text[:SURELY_FITS], "finish_reason": "length", "error": TooLong().problem}
        return await finish(memory, end.model_copy(update=cut))
    return True
