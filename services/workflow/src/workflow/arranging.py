"""The schedules that preferences ask for: decided by a pure function, put and dropped whenever those preferences change."""

import re
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

import structlog

from shared.bus import Delivery
from shared.contract.workflow import Arrange, DropSchedule, PutSchedule
from shared.errors import LimitReached
from workflow.jobs.daily_plan import tells
from workflow.jobs.day import zone_of
from workflow.jobs.ports import Memory
from workflow.scheduling import Scheduling

log: structlog.stdlib.BoundLogger = structlog.get_logger()

DAILY: Final = "daily-plan"
CALENDAR: Final = "calendar-sync"
AT: Final = "07:00"
EVERY: Final = timedelta(minutes=30)
"""How often a calendar is brought over."""

_TIME = re.compile(r"(\d{2}):(\d{2})")


class Arranger:
    """One process's part in that."""

    def __init__(self, scheduling: Scheduling, memory: Memory) -> None:
        self._scheduling, self._memory = scheduling, memory

    async def arrange(self, order: Arrange, _: Delivery) -> None:
        """Reads what the preferences are now: an order that comes late, or twice, does no harm."""
        preferences = (await self._memory.preferences(order.user)).preferences
        for schedule_id, schedule in arranged(order.user, preferences).items():
            if schedule is None:
                await self._scheduling.drop(DropSchedule(user=order.user, schedule_id=schedule_id))
                continue
            try:
                await self._scheduling.put(schedule)
            except LimitReached:
                log.warning("workflow.not_scheduled", schedule=schedule_id)

    async def bury(self, order: Arrange, reason: str) -> None:
        """Nobody could; the next change of a preference is another chance."""
        log.error("workflow.not_arranged", reason=reason)


def arranged(user: str, preferences: dict[str, Any]) -> dict[str, PutSchedule | None]:
    """By id the schedules that these preferences ask for, and None for those that they don't."""
    zone = zone_of(preferences.get("timezone")).key
    daily = calendar = None
    if preferences.get("dailyPlan") is True:
        kind = "daily_message" if tells(preferences) else "daily_plan"
        hour, minute = _time(preferences.get("planAt"))
        daily = PutSchedule(user=user, schedule_id=DAILY, type=kind, cron=f"{minute} {hour} * * *", timezone=zone)
    if preferences.get("calendarSync") is True:
        # Not everybody at the same minute.
        period = int(EVERY.total_seconds()) // 60
        first = int(sha256(user.encode()).hexdigest(), 16) % period
        minutes = ",".join(str(minute) for minute in range(first, 60, period))
        calendar = PutSchedule(user=user, schedule_id=CALENDAR, type="calendar_sync", cron=f"{minutes} * * * *")
    return {DAILY: daily, CALENDAR: calendar}


def _time(value: Any) -> tuple[int, int]:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    hour, minute = (int(part) for part in (match.groups() if match else AT.split(":")))
    return hour, minute
