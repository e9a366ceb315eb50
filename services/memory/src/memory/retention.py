"""What is old goes, or is kept smaller: looked for first, and done in small transactions."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from memory.clock import Clock, micros
from memory.handlers import calendar, tasks, trips
from memory.ledger import Ledger
from memory.records import expiry, rounds, search, spending, transcripts
from memory.records.expiry import Old
from memory.settings import MemorySettings
from memory.transaction import Transaction
from shared.contract.changes import PlanUpdated
from shared.contract.person import Plan
from shared.contract.state import DeleteEvent, DeleteTask
from shared.errors import Refused

log: structlog.stdlib.BoundLogger = structlog.get_logger()

T = TypeVar("T", int, str)

AT_ONCE = 200
"""Rows that one write forgets (2 ms)."""

MOST_WRITES = 100
"""Of one kind in one go: the rest has time until the next."""

PACKED_AT_ONCE, LOOKED_AT = 50, 1_000
"""Messages that one write packs, and that one look goes over."""

LOOKS = 20
ARCHIVED, POISONED = "archived_to", "poisoned_since"


class Retention:
    """Called by the sweep, at one replica."""

    def __init__(self, ledger: Ledger, limits: MemorySettings, clock: Clock) -> None:
        self._ledger, self._limits, self._clock = ledger, limits, clock
        self._next = 0.0
        self._archived: int | None = None

    async def step(self) -> None:
        """Archives what has become old, and now and then prunes."""
        await self._archive()
        if self._clock.ticks() >= self._next:
            self._next = self._clock.ticks() + 60 * self._limits.prune_minutes
            await self.prune()

    async def prune(self) -> None:
        """Forgets what is past its time, and tells of what people would miss."""
        limits = self._limits
        if limits.event_days:
            await self._forget("events", expiry.any_events, expiry.forget_events, self._before(limits.event_days))
        await self._forget("removed", expiry.any_removed, expiry.forget_removed, self._before(limits.removed_days))
        if limits.transcript_days:
            before = self._before(limits.transcript_days)
            await self._forget("transcripts", transcripts.any_old, transcripts.forget_old, before)
        if limits.tool_call_days:
            await self._forget("rounds", rounds.any_old, rounds.forget, self._before(limits.tool_call_days))
        if limits.usage_days:
            await self._forget("usage", spending.any_old, spending.forget, self._day_before(limits.usage_days))
        await self._poisoned()
        if limits.completed_task_days:
            await self._delete("tasks", expiry.old_tasks, self._before(limits.completed_task_days), _drop_task)
        if limits.plan_days:
            await self._delete("plans", expiry.old_plans, self._day_before(limits.plan_days), _drop_plan)
        if limits.trip_days:
            await self._delete("trips", expiry.old_trips, self._day_before(limits.trip_days), _drop_trip)
        if limits.calendar_days:
            await self._delete("calendar", expiry.old_calendar, self._before(limits.calendar_days), _drop_event)

    def _before(self, days: float) -> int:
        return micros(self._clock.now() - timedelta(days=days))

    def _day_before(self, days: float) -> str:
        return (self._clock.now() - timedelta(days=days)).date().isoformat()

    async def _forget(
        self,
        what: str,
        due: Callable[[Connection, T], bool],
        forget: Callable[[Connection, T, int], int],
        before: T,
    ) -> None:
        count = 0
        for _ in range(MOST_WRITES):
            if not await self._ledger.store.read(lambda connection: due(connection, before)):
                break
            count += await self._ledger.store.write(lambda connection: forget(connection, before, AT_ONCE))
        if count:
            log.info("retention.forgot", what=what, count=count)

    async def _delete(
        self,
        what: str,
        find: Callable[[Connection, int, int], list[Old]] | Callable[[Connection, str, int], list[Old]],
        before: int | str,
        drop: Callable[[Transaction, Old], None],
    ) -> None:
        old = await self._ledger.store.read(lambda connection: find(connection, before, AT_ONCE))  # pyright: ignore[reportArgumentType]
        for one in old:
            await self._quietly(lambda one=one: self._ledger.write(drop, one, one.user))
        if old:
            log.info("retention.deleted", what=what, count=len(old))

    async def _quietly(self, deleting: Callable[[], Awaitable[None]]) -> None:
        """It may be gone by now, or its owner being erased."""
        try:
            await deleting()
        except Refused as refused:
            log.info("retention.left_out", code=refused.code)

    async def _poisoned(self) -> None:
        """Letters have no age: those that were there a whole period ago go."""
        newest = await self._ledger.store.read(expiry.newest_poisoned)
        if newest is None:
            return
        now = micros(self._clock.now())
        known = await self._ledger.store.read(lambda connection: search.chore(connection, POISONED))
        at, seq = (int(part) for part in (known or f"{now} {newest}").split())
        if at < self._before(self._limits.poisoned_days):
            await self._ledger.store.write(lambda connection: expiry.forget_poisoned(connection, seq))
        elif known is not None:
            return
        await self._ledger.store.write(lambda connection: search.set_chore(connection, POISONED, f"{now} {newest}"))

    async def _archive(self) -> None:
        """Goes over the messages that were written since, and packs those of their conversations that are no longer hot."""
        store = self._ledger.store
        reached = self._archived
        if reached is None:
            reached = int(await store.read(lambda connection: search.chore(connection, ARCHIVED)) or 0)
        newest = await store.read(expiry.newest_message)
        begun = reached
        for _ in range(LOOKS):
            if reached >= newest:
                break
            until = min(newest, reached + LOOKED_AT)
            await self._archive_between(reached, until)
            reached = until
        self._archived = reached
        # Of less than a look nothing is remembered: after a start it is looked at once more.
        if reached // LOOKED_AT > begun // LOOKED_AT:
            await store.write(lambda connection: search.set_chore(connection, ARCHIVED, str(reached)))

    async def _archive_between(self, after: int, until: int) -> None:
        hot = self._limits.hot_messages
        for one, cold in await self._ledger.store.read(lambda connection: expiry.cold(connection, after, until, hot)):
            await self._archive_one(one, cold)

    async def _archive_one(self, one: Old, until: int) -> None:
        def pack(connection: Connection) -> bool:
            return expiry.archive(connection, one.id, until, PACKED_AT_ONCE)

        while await self._ledger.store.write(pack, None, one.user):
            pass


def _drop_task(tx: Transaction, old: Old) -> None:
    tasks.delete_task(tx, DeleteTask(user=old.user, task_id=old.id))


def _drop_event(tx: Transaction, old: Old) -> None:
    calendar.delete_event(tx, DeleteEvent(user=old.user, event_id=old.id))


def _drop_trip(tx: Transaction, old: Old) -> None:
    trips.forget_past(tx, old.user, old.id)


def _drop_plan(tx: Transaction, old: Old) -> None:
    """Of a plan that is gone an empty one is told."""
    expiry.forget_plan(tx.connection, old.user, old.id)
    tx.remove(old.user, "plan", old.id)
    tx.tell_state(old.user, "plan", PlanUpdated(**tx.stamp(old.user), plan=Plan(date=old.id)))
