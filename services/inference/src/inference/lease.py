"""The lease of a running generation, and calls to memory that outlast its absence."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from inference.guard import Guard
from inference.ports import Memory
from shared.contract.memory import RenewLease
from shared.errors import BudgetExhausted, Busy, LostLease

log: structlog.stdlib.BoundLogger = structlog.get_logger()

RENEW_SECONDS: Final = 2.0
"""A third of the lease: two renewals may fail."""

Q = TypeVar("Q")
A = TypeVar("A")


async def keep(memory: Memory, user: str, generation: str, epoch: int, guard: Guard) -> None:
    """Renews the lease until cancelled. Ends the production when it is lost, or when memory says that it was stopped."""
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        try:
            lease = await memory.renew(RenewLease(generation_id=generation, user=user, epoch=epoch))
        except LostLease:
            guard.end("lost")
            return
        except Busy as busy:
            # While memory is away nobody else can claim either; the token log is fenced by itself.
            log.warning("lease.not_renewed", reason=busy.code)
            continue
        if lease.stop:
            guard.end("stopped")


async def insist(call: Callable[[Q], Awaitable[A]], question: Q) -> A:
    """Asks until memory answers. Ends only with an answer, a refusal, or the task. A budget that is used up is a refusal."""
    while True:
        try:
            return await call(question)
        except BudgetExhausted:
            raise
        except Busy as busy:
            log.warning("memory.awaited", reason=busy.code)
            await asyncio.sleep(busy.retry_after)
