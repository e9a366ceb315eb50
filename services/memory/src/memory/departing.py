"""Erases accounts (S16): rows, search, streams, in steps that go on after a crash; and again what a late worker wrote.

The order is what makes it whole: first nothing new is taken, then the rows go, then what is on its way to NATS arrives there,
then the streams are erased, and only then may the same user begin anew.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import structlog

from memory import indexer
from memory.handlers import erasure
from memory.handlers.erasure import Step, Whose
from memory.ledger import Ledger
from memory.ports import Post
from memory.records import erasing
from memory.records.erasing import Departure
from memory.shared_work import erase_shared_work
from shared.contract.account import EraseAccount, Erased
from shared.contract.subjects import Subject, trace_of, traces_of, transcript_scope
from shared.errors import Busy, Fault
from shared.tasks import owned

log: structlog.stdlib.BoundLogger = structlog.get_logger()

SENT_SECONDS = 20.0
"""How long the outbox may take; with NATS away longer than that, the erasure goes on when it is back."""

NOBODY = ""
"""Whose rows are changed: there is no user any more, and PostgreSQL makes one to lock."""

LOOK_SECONDS = 0.25
RENEW_SECONDS = erasure.CLAIM_SECONDS / 3


class Departures:
    """Carries out erasures, those that are asked for now and those that a process before this one has begun."""

    def __init__(self, ledger: Ledger, streams: Post) -> None:
        self._ledger, self._streams = ledger, streams

    async def erase(self, question: EraseAccount) -> Erased:
        """Everything of this user, gone when it answers. Raises BeingErased while another call is at it, Busy, Unavailable."""
        departure = await self._ledger.write(erasure.begin, Whose(question.user))
        return Erased(counts=await self._carry_out(departure))

    async def run(self) -> None:
        """Goes on with what was left, for ever. What fails is tried again at the next turn."""
        while True:
            await asyncio.sleep(self._ledger.limits.sweep_seconds)
            try:
                await self.sweep()
            except Fault as fault:
                log.warning("erasure.failed", code=fault.code)

    async def sweep(self) -> None:
        """Goes on with every erasure that is due and that nobody works on."""
        for user in await self._ledger.read(erasure.find_due, None):
            departure = await self._ledger.write(erasure.take, Whose(user), NOBODY)
            if departure is not None:
                await self._go_on(departure)

    async def _go_on(self, departure: Departure) -> None:
        log.info("erasure.resumed", step=departure.step)
        if departure.step == "rows":
            await self._carry_out(departure)
            return
        for conversation in departure.conversations:
            await self._streams.erase(trace_of(departure.user, conversation))
            await self._streams.erase(Subject(transcript_scope(departure.user, conversation).feed))
        await self._ledger.store.settle()
        await self._ledger.write(erasure.let_go, Whose(departure.user), NOBODY)

    async def _carry_out(self, departure: Departure) -> dict[str, int]:
        whose = Whose(departure.user)
        async with self._kept(whose):
            counts = await self._rows(departure.user)
            if self._ledger.finder is not None:
                await indexer.forget(self._ledger.store, self._ledger.finder, departure.user)
            await self._sent(departure.user)
            counts["streams"] = await erase_shared_work(self._streams, departure.user)
            counts["streams"] += sum([await self._streams.erase(trace) for trace in traces_of(departure.user)])
            counts["audit"] = await self._ledger.write(erasure.finish, whose)
        await self._ledger.store.settle()
        if not departure.conversations:
            await self._ledger.write(erasure.let_go, whose, NOBODY)
        log.info("account.erased", **counts)
        return {kind: count for kind, count in counts.items() if count}

    async def _rows(self, user: str) -> dict[str, int]:
        counts: dict[str, int] = {}
        for table in erasing.owned_tables():
            counts[table.name] = 0
            while deleted := await self._ledger.write(erasure.delete_some, Step(user, table)):
                counts[table.name] += deleted
        return counts

    async def _sent(self, user: str) -> None:
        """Returns when nothing of this user is on its way any more, from whichever process: only the database knows."""
        try:
            async with asyncio.timeout(SENT_SECONDS):
                while True:
                    if not await self._ledger.store.read(partial(erasing.has_unsent, user=user)):
                        return
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise Busy("NATS takes no events right now; the account will be erased when it does.", retry_after=5.0) from None

    @asynccontextmanager
    async def _kept(self, whose: Whose) -> AsyncGenerator[None]:
        """The erasure stays ours while the context is open."""
        async with owned() as tasks:
            renewing = tasks.create_task(self._renew(whose))
            try:
                yield
            finally:
                renewing.cancel()

    async def _renew(self, whose: Whose) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self._ledger.write(erasure.renew, whose)
            except Fault as fault:
                log.warning("erasure.not_renewed", code=fault.code)
