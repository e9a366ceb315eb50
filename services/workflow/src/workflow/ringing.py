"""Doing what a schedule says when its moment has come: once, and saying what was missed."""

from contextlib import suppress

import structlog

from shared.bus import Delivery
from shared.contract.workflow import CreateWorkflow, Ring, Schedule
from shared.errors import Refused, WorkflowExists
from workflow import ticking
from workflow.clock import Clock
from workflow.handlers import Handlers
from workflow.ports import Overtaken, Post, ScheduleBook

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Ringer:
    """One process's part in that."""

    def __init__(self, handlers: Handlers, book: ScheduleBook, post: Post, clock: Clock) -> None:
        self._handlers, self._book, self._post, self._clock = handlers, book, post, clock

    async def ring(self, order: Ring, _: Delivery) -> None:
        """Everything here may be done twice: what begins has an id of the moment, and what is kept is fenced."""
        known = await self._book.find(order.user, order.schedule_id)
        if known is None:
            return
        sequence, schedule = known
        if order.due < schedule.next_at:  # done before; whoever did it may have died before setting the next moment
            await self._set(schedule)
            return
        ticked = ticking.tick(schedule, max(self._clock.now(), order.due))
        await self._begin(schedule, ticked)
        if ticked.schedule is None:
            await self._book.drop(order.user, order.schedule_id)
            return
        with suppress(Overtaken):  # somebody else did the same, or has changed the schedule and set its moment
            await self._book.keep(ticked.schedule, sequence)
            await self._set(ticked.schedule)

    async def bury(self, order: Ring, reason: str) -> None:
        """An order that nobody could carry out."""
        log.error("workflow.tick_lost", schedule=order.schedule_id, reason=reason)

    async def _begin(self, schedule: Schedule, ticked: ticking.Ticked) -> None:
        question = CreateWorkflow(user=schedule.user, type=schedule.type, params=schedule.params)
        if ticked.tick.missed:
            log.warning("workflow.ticks_missed", schedule=schedule.schedule_id, missed=ticked.tick.missed)
        try:
            with suppress(WorkflowExists):
                await self._handlers.begin(question, ticking.workflow_id(ticked.tick), ticked.tick)
        except Refused as refused:  # its type or parameters are no more; the next version may know them again
            log.error("workflow.tick_refused", schedule=schedule.schedule_id, code=refused.code)

    async def _set(self, schedule: Schedule) -> None:
        order = Ring(user=schedule.user, schedule_id=schedule.schedule_id, due=schedule.next_at)
        await self._post.ring_at(order, schedule.next_at)
