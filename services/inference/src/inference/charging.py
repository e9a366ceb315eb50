"""Tells memory what models cost, and what work in the background has cost: nobody waits for it, and it outlasts its absence."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Final, TypeVar
from uuid import uuid4

import structlog

from inference.ports import Ledger
from shared.contract.budget import Charge, KeepRates, Rate
from shared.contract.objects import Usage
from shared.errors import Busy, Refused
from shared.tasks import owned

log: structlog.stdlib.BoundLogger = structlog.get_logger()

MOST_WAITING: Final = 1_000
"""Charges that wait for memory; with more something is wrong that money will not mend."""

LONGEST_PAUSE: Final = 30.0
"""Seconds between two tries."""

Q = TypeVar("Q")


class Charger:
    """One process's word to the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: asyncio.Queue[Charge] = asyncio.Queue(MOST_WAITING)

    @asynccontextmanager
    async def telling(self, rates: list[Rate]) -> AsyncGenerator[None]:
        """Says the rates, then every charge, while the context is open."""
        async with owned() as tasks:
            telling = tasks.create_task(self._tell(KeepRates(rates=rates)))
            try:
                yield
            finally:
                telling.cancel()

    def charge(self, user: str, model: str, usage: Usage | None) -> None:
        """This user's work has used that."""
        if not user or usage is None or not usage.total_tokens:
            return
        try:
            self._waiting.put_nowait(Charge(user=user, operation_id=f"o_{uuid4().hex}", model=model, usage=usage))
        except asyncio.QueueFull:
            log.error("charge.lost", model=model, tokens=usage.total_tokens)

    async def _tell(self, rates: KeepRates) -> None:
        await _say(self._ledger.keep_rates, rates)
        while True:
            await _say(self._ledger.charge, await self._waiting.get())


async def _say(call: Callable[[Q], Awaitable[object]], question: Q) -> None:
    """Until it is heard or refused; ever more rarely while memory is away."""
    for pause in (min(2.0**attempt, LONGEST_PAUSE) for attempt in count()):
        try:
            await call(question)
        except Busy as busy:
            log.warning("ledger.awaited", reason=busy.code)
            await asyncio.sleep(min(busy.retry_after, pause) if pause == 1 else pause)
        except Refused as refused:
            log.error("ledger.refused", code=refused.code)
            return
        else:
            return
