"""The workflows `daily_plan` and `daily_message`: the plan of a day, out of open tasks and the calendar.

The first one is work in the background and never writes to the person; the second one does, where the person has asked for it
(preference `notifications.dailyPlan`), and looks once more before it does.
"""

from datetime import date, datetime
from functools import partial
from typing import Any, cast

from shared.contract.base import Message
from shared.contract.person import CalendarEvent, Task
from shared.contract.state import ListEvents, ListTasks, PutPlan
from workflow.definition import Definition, workflow
from workflow.jobs import day as rules
from workflow.jobs.keys import operation_id
from workflow.jobs.ports import Memory, Ports
from workflow.step import Attempt, Step

MOST_PAGES = 10
PAGE = 200
"""Two thousand open tasks are looked at; nobody gets to more in a day."""

TITLE = "Plan of the day"
"""Of the conversation that the messages are in."""

CalendarDay = date


class Day(Message):
    """Which day; without one it is today, where the person lives."""

    date: CalendarDay | None = None


def daily_plan(ports: Ports) -> Definition:
    """The workflow that only keeps the plan."""

    @workflow("daily_plan", warm_only=True)
    async def plan(step: Step, params: Day) -> dict[str, Any]:
        return await _planned(step, ports, params)

    return plan


def daily_message(ports: Ports) -> Definition:
    """The same, with a message."""

    @workflow("daily_message")
    async def plan(step: Step, params: Day) -> dict[str, Any]:
        decided = await _planned(step, ports, params)
        if not await step.do("ask for leave", partial(_wanted, ports.memory)):
            return {**decided, "messageId": None}

        async def tell(attempt: Attempt) -> str:
            return (await ports.post.say(attempt, TITLE, rules.worded(decided))).message.id

        return {**decided, "messageId": await step.do("tell", tell)}

    return plan


async def _planned(step: Step, ports: Ports, params: Day) -> dict[str, Any]:
    memory, user = ports.memory, step.about.user

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


async def _wanted(memory: Memory, attempt: Attempt) -> bool:
    return tells((await memory.preferences(attempt.about.user)).preferences)


def tells(preferences: dict[str, Any]) -> bool:
    """Whether this person has asked for the plan as a message."""
    given = preferences.get("notifications")
    return isinstance(given, dict) and cast("dict[str, Any]", given).get("dailyPlan") is True


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
