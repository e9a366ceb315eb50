"""Schedules on the stream `SCHEDULES`, which keeps the newest message of each subject."""

from shared.bus import Bus, Fenced
from shared.contract import subjects
from shared.contract.workflow import Schedule
from workflow.ports import Overtaken


class StreamBook:
    """See `workflow.ports.ScheduleBook`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def find(self, user: str, schedule_id: str) -> tuple[int, Schedule] | None:
        """See the port."""
        found = await self._bus.last(subjects.schedule(user, schedule_id))
        return (found[0], Schedule.decode(found[1])) if found else None

    async def of(self, user: str) -> list[Schedule]:
        """See the port."""
        entries = await self._bus.read(subjects.schedules_of(user))
        return [Schedule.decode(data) for _, _, data in entries]

    async def keep(self, schedule: Schedule, expect: int) -> None:
        """See the port."""
        subject = subjects.schedule(schedule.user, schedule.schedule_id)
        try:
            await self._bus.store(subject, schedule.encode(), expect=expect)
        except Fenced:
            raise Overtaken from None

    async def drop(self, user: str, schedule_id: str) -> None:
        """See the port."""
        await self._bus.erase(subjects.schedule(user, schedule_id))
        await self._bus.erase(subjects.alarm(user, schedule_id))
