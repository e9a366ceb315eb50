"""The workflow `reminder`: tells a person what they wanted to be reminded of, at its moment, or again and again.

A reminder that repeats becomes a schedule, which begins this workflow anew each time. One that belongs to a task keeps quiet
when the task is done by then.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Final

from pydantic import Field

from shared.contract.base import Message
from shared.contract.state import ListTasks
from shared.contract.workflow import PutSchedule
from workflow.definition import Definition, workflow
from workflow.jobs.ports import Memory, Ports
from workflow.step import Attempt, Step

CONVERSATION: Final = "Reminders"
"""Title of the conversation that they stand in."""

KEEP: Final = timedelta(days=7)
PAGE: Final = 200
MOST_PAGES: Final = 25


class Reminder(Message):
    """What, and when: now, `at` a moment, or at every moment of `cron` in the timezone. `task_id`: what it is about."""

    text: Annotated[str, Field(min_length=1, max_length=500)]
    at: datetime | None = None
    cron: Annotated[str, Field(max_length=200)] | None = None
    timezone: Annotated[str, Field(max_length=64)] = "UTC"
    task_id: Annotated[str, Field(max_length=64)] | None = None


def reminder(ports: Ports) -> Definition:
    """The workflow."""

    @workflow("reminder", keep=KEEP)
    async def remind(step: Step, params: Reminder) -> dict[str, Any]:
        if params.cron is not None:
            return {"scheduleId": await step.do("schedule", lambda attempt: _scheduled(ports, attempt, params))}
        if params.at is not None:
            await step.sleep_until("wait", params.at)
        return {"told": await step.do("tell", lambda attempt: _told(ports, attempt, params))}

    return remind


async def _scheduled(ports: Ports, attempt: Attempt, params: Reminder) -> str:
    about = attempt.about
    # One for each workflow, however often the step is tried.
    name = f"reminder-{sha256(about.workflow_id.encode()).hexdigest()[:24]}"
    text = {"text": params.text}
    order = PutSchedule(
        user=about.user, schedule_id=name, type="reminder", params=text, cron=params.cron, timezone=params.timezone
    )
    await ports.workflows.schedule(order)
    return name


async def _told(ports: Ports, attempt: Attempt, params: Reminder) -> bool:
    if params.task_id is not None and not await _open(ports.memory, attempt.about.user, params.task_id):
        return False
    await ports.post.say(attempt, CONVERSATION, f"Reminder: **{params.text}**")
    return True


async def _open(memory: Memory, user: str, task_id: str) -> bool:
    """Whether there is something left to do."""
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await memory.tasks(ListTasks(user=user, status="open", limit=PAGE, cursor=cursor))
        if any(task.id == task_id for task in page.tasks):
            return True
        cursor = page.next
        if cursor is None:
            return False
    return True
