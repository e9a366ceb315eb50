"""Finds what was lost or has expired, and does what is due: looks first, and writes only when there is something to do."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from prometheus_client import Gauge
from sqlalchemy import Connection

from memory.clock import Clock, micros
from memory.generation import Age, order_lost, under_way
from memory.handlers.approvals import expire_approval
from memory.handlers.conversations import delete_all
from memory.handlers.queueing import let_in
from memory.handlers.reading import REPORT_AGE
from memory.handlers.transcripts import order_again as order_transcript_again
from memory.ledger import Ledger
from memory.records import approvals, conversations, generations, idempotency, presence, transcripts
from memory.records.prepared import AnyRow
from memory.retention import Retention
from memory.settings import MemorySettings
from memory.transaction import Transaction
from shared.contract.inference import GENERATE
from shared.errors import Fault

log: structlog.stdlib.BoundLogger = structlog.get_logger()

HEALTHY = Gauge("colloquy_memory_healthy", "1 when the last look at the database found nothing wrong, else 0.")

AT_ONCE = 200
"""Temporary conversations that one sweep deletes, and approvals that it lets expire."""

SILENCE_SECONDS = 2 * GENERATE.ack_wait
"""JetStream would have delivered the order again by then, if it still had it."""

GATEWAY_FORGOTTEN = 10 * REPORT_AGE


@dataclass(frozen=True, slots=True)
class Due:
    """What a sweep has found."""

    lost: Sequence[tuple[str, str]]
    passed_over: Sequence[str]
    temporary: Sequence[tuple[str, str]]
    unheard: Sequence[tuple[str, str]]
    approvals: Sequence[tuple[str, str]]
    keys: bool
    gateways: bool


class Sweeper:
    """Runs every few seconds for as long as memory does."""

    def __init__(self, ledger: Ledger, limits: MemorySettings, clock: Clock) -> None:
        self._ledger, self._limits, self._clock = ledger, limits, clock
        self._retention = Retention(ledger, limits, clock)

    async def run(self) -> None:
        """Sweeps for ever. A database in trouble is tried again at the next turn."""
        while True:
            await asyncio.sleep(self._limits.sweep_seconds)
            try:
                await self.sweep()
                HEALTHY.set(1)
            except Fault as fault:
                HEALTHY.set(0)
                log.warning("sweep.failed", code=fault.code)

    async def sweep(self) -> None:
        """Does all that is due now."""
        await self._ledger.store.check()
        await self._ledger.send_leftovers()
        async with self._ledger.store.turn() as mine:
            if mine:
                await self._sweep()

    async def _sweep(self) -> None:
        due = await self._ledger.store.read(self._look)
        for generation_id, user in due.lost:
            await self._ledger.write(order_again, generation_id, user)
        for user in due.passed_over:
            log.warning("turn.missed")
            await self._ledger.write(let_in, user, user)
        for conversation_id, user in due.temporary:
            await self._ledger.write(forget_temporary, (user, conversation_id), user)
        for transcript_id, user in due.unheard:
            await self._ledger.write(order_transcript_again, (transcript_id, user), user)
        for approval_id, user in due.approvals:
            await self._ledger.write(expire_approval, (user, approval_id), user)
        if due.keys:
            await self._ledger.write(self._forget_keys, None)
        if due.gateways:
            await self._ledger.write(self._forget_gateways, None)
        await self._retention.step()

    def _look(self, connection: Connection) -> Due:
        now, ticks = self._clock.now(), self._clock.ticks()
        quiet_since = micros(now - timedelta(minutes=self._limits.temporary_minutes))
        answers = sorted(generations.open_ages(connection), key=lambda row: row.seq)
        return Due(
            _unanswered(answers, ticks, self._limits),
            _passed_over(answers, self._limits.user_concurrency),
            conversations.forgotten(connection, quiet_since, AT_ONCE),
            _unheard(connection, ticks, self._limits),
            approvals.due(connection, micros(now), AT_ONCE),
            idempotency.any_expired(connection, self._keys_before()),
            presence.any_silent(connection, micros(now - GATEWAY_FORGOTTEN)),
        )

    def _keys_before(self) -> int:
        return micros(self._clock.now() - timedelta(hours=self._limits.idempotency_hours))

    def _forget_keys(self, tx: Transaction, _: None) -> None:
        idempotency.forget(tx.connection, self._keys_before())

    def _forget_gateways(self, tx: Transaction, _: None) -> None:
        presence.forget_silent(tx.connection, micros(tx.at - GATEWAY_FORGOTTEN))


def _unanswered(answers: Sequence[AnyRow], ticks: float, limits: MemorySettings) -> list[tuple[str, str]]:
    """Answers whose order was lost, each with its user."""
    lost: list[tuple[str, str]] = []
    first: set[str] = set()
    for row in answers:
        status = "waiting" if row.held_back else row.status
        age = Age(status, row.conversation_id not in first, row.lease_until, row.ordered_at, row.orders)
        first.add(row.conversation_id)
        # The order of one that was given up is known to be lost.
        silence = SILENCE_SECONDS if row.abandoned is None else 0.0
        if order_lost(age, ticks, silence, limits.order_lost_after):
            lost.append((row.id, row.user_id))
    return lost


def _passed_over(answers: Sequence[AnyRow], at_a_time: int) -> list[str]:
    """Users with answers that are held back although there is room: whatever ended without a word to them, or more are allowed
    at a time than before."""
    opened: dict[str, list[AnyRow]] = {row.user_id: [] for row in answers if row.held_back}
    for row in answers:
        if row.user_id in opened:
            opened[row.user_id].append(row)
    return [user for user, rows in opened.items() if under_way(rows) < at_a_time]


def _unheard(connection: Connection, ticks: float, limits: MemorySettings) -> list[tuple[str, str]]:
    """Transcripts whose order was lost, each with its user."""
    ages = [
        (row, Age(row.status, True, row.lease_until, row.ordered_at, row.orders)) for row in transcripts.open_ages(connection)
    ]
    return [(row.id, row.user_id) for row, age in ages if order_lost(age, ticks, SILENCE_SECONDS, limits.order_lost_after)]


def order_again(tx: Transaction, generation_id: str) -> None:
    """Orders an answer again whose order seems to be lost. Twice does no harm: it is claimed once."""
    generation, _ = generations.with_open(tx.connection, generation_id)
    if generation is None or not generation.open:
        return
    log.warning("order.repeated", generation=generation.id, status=generation.status, epoch=generation.epoch)
    generations.ordered(tx.connection, generation.id, tx.ticks, again=True)
    tx.order(generation.user, generation.conversation_id, generation.id)


def forget_temporary(tx: Transaction, whose: tuple[str, str]) -> None:
    """Deletes a temporary conversation that nobody uses any more, unless it has begun to live again."""
    user, conversation_id = whose
    before = micros(tx.at - timedelta(minutes=tx.limits.temporary_minutes))
    if (conversation_id, user) in conversations.forgotten(tx.connection, before, AT_ONCE):
        delete_all(tx, user, [conversation_id])
