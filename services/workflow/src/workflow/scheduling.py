"""The calls about schedules."""

import re

from shared.contract.workflow import DropSchedule, ListSchedules, PutSchedule, Ring, Schedule, ScheduleDropped, Schedules
from shared.errors import Busy, Invalid, LimitReached
from workflow.clock import Clock
from workflow.definition import Library
from workflow.failure import NonRetryable
from workflow.plain import plain
from workflow.ports import Overtaken, Post, ScheduleBook
from workflow.ticking import scheduled

TRIES = 5
ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


class Scheduling:
    """Answers them."""

    def __init__(self, library: Library, book: ScheduleBook, post: Post, clock: Clock, most: int) -> None:
        self._library, self._book, self._post, self._clock, self._most = library, book, post, clock, most

    async def put(self, question: PutSchedule) -> Schedule:
        """Raises Invalid, UnknownWorkflowType, LimitReached."""
        self._check(question)
        schedule = scheduled(question, self._clock.now())
        for _ in range(TRIES):
            known = await self._book.find(question.user, question.schedule_id)
            if known is None and len(await self._book.of(question.user)) >= self._most:
                raise LimitReached
            # Rings too early if nobody comes to keep it, and then does nothing; the other way round it would never ring.
            ring = Ring(user=schedule.user, schedule_id=schedule.schedule_id, due=schedule.next_at)
            await self._post.ring_at(ring, schedule.next_at)
            try:
                await self._book.keep(schedule, known[0] if known else 0)
            except Overtaken:
                continue
            return schedule
        raise Busy

    async def drop(self, question: DropSchedule) -> ScheduleDropped:
        """Idempotent."""
        await self._book.drop(question.user, question.schedule_id)
        return ScheduleDropped()

    async def list_schedules(self, question: ListSchedules) -> Schedules:
        """The next one first."""
        return Schedules(schedules=sorted(await self._book.of(question.user), key=lambda each: each.next_at))

    def _check(self, question: PutSchedule) -> None:
        if not ID.fullmatch(question.schedule_id):
            raise Invalid(fields=["scheduleId"])
        self._library.need(question.type).read(question.params)
        try:
            plain(question.params, "What it is given")
        except NonRetryable as error:
            raise Invalid(str(error)) from None
