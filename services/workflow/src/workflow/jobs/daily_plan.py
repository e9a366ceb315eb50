"""The workflow `daily_plan`: the plan of a day out of open tasks and the calendar, kept in place of the one there was."""

from datetime import date, datetime
from typing import Any

from shared.contract.base import Message
from shared.contract.person import CalendarEvent, Task
from shared.contract.state import ListEvents, ListTasks, PutPlan
from workflow.definition import Definition, workflow
from workflow.jobs import day as rules
from workflow.jobs.ports import Memory
from workflow.jobs.wording import operation_id
from workflow.step import Attempt, Step

MOST_PAGES = 10
PAGE = 200
"""Two thousand open tasks are looked at; nobody gets to more in a day."""


CalendarDay = date


class Day(Message):
    """Which day; without one it is today, where the person lives."""

    date: CalendarDay | None = None


def daily_plan(memory: Memory) -> Definition:
    """The workflow."""

    @workflow("daily_plan")
    async def plan(step: Step, params: Day) -> dict[str, Any]:
        user = step.about.user

        async def decide(attempt: Attempt) -> dict[str, Any]:
            zone = rules.zone_of((await memory.preferences(user)).preferences.get("timezone"))
            day = params.date or attempt.now().astimezone(zone).date()
            tasks = await _open_tasks(memory, user)
            events = await _events(memory, user, *rules.bounds(day, zone))
            return {"date": day.isoformat(), **rules.planned(tasks, events, day, zone)}

        decided = await step.do("decide", decide)

        async def keep(attempt: Attempt) -> None:
            await memory.put_plan(PutPlan(user=user, operation_id=operation_id(attempt.key), **decided))

        await step.do("keep", keep)
        return decided

    return plan


async def _open_tasks(memory: Memory, user: str) -> list[Task]:
    found: list[Task] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await memory.tasks(ListTasks(user=user, status="open", limit=PAGE, cursor=cursor))
        found += page.tasks
        cursor = page.next
        if cursor is None:
            break
    return found


async def _events(memory: Memory, user: str, begins: datetime, ends: datetime) -> list[CalendarEvent]:
    page = await memory.events(ListEvents(user=user, start=begins, end=ends, limit=PAGE, travel=False))
    return page.events
