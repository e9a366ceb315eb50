"""The workflow `group_summary`: what several people have done, for whoever runs this installation. The operator begins it.

Only who has agreed (preference `groupSummary`) is looked at, and gets the summary as a note. Of what they have done nothing but
the summary is recorded, and the whole journal goes with the account of the first of its `users` that is erased.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, Final

from pydantic import Field

from shared.contract.base import Message
from shared.contract.state import CreateNote, GetState
from shared.errors import Refused
from workflow.definition import Definition, workflow
from workflow.failure import NonRetryable, StepError
from workflow.jobs import week, wording
from workflow.jobs.keys import operation_id
from workflow.jobs.ports import Ports
from workflow.jobs.task import ASKING
from workflow.step import Attempt, Step

KEEP: Final = timedelta(days=7)
MOST_PEOPLE: Final = 100


class Group(Message):
    """Who, and since when: these people, over the last `days`."""

    name: str = Field(default="Group", min_length=1, max_length=100)
    users: list[Annotated[str, Field(min_length=1, max_length=255)]] = Field(min_length=1, max_length=MOST_PEOPLE)
    days: int = Field(default=7, ge=1, le=31)
    model: str | None = Field(default=None, max_length=255)


def group_summary(ports: Ports) -> Definition:
    """The workflow."""

    @workflow("group_summary", warm_only=True, operator=True, keep=KEEP)
    async def summarise(step: Step, params: Group) -> dict[str, Any]:
        now = await step.now()
        agreed: list[str] = await step.do("ask who agrees", partial(_agreed, ports, params))
        if not agreed:
            return {"summary": None, "people": 0, "leftOut": len(set(params.users)), "notes": 0}
        summed = partial(_sum_up, ports, params, agreed, now - timedelta(days=params.days))
        summary = await step.do("sum up", summed, retries=ASKING)
        notes = 0
        for number, user in enumerate(agreed, 1):
            try:
                await step.do(f"store {number}", partial(_keep, ports, params, user, summary))
                notes += 1
            except StepError:
                continue
        return {"summary": summary, "people": len(agreed), "leftOut": len(set(params.users)) - len(agreed), "notes": notes}

    return summarise


async def _agreed(ports: Ports, params: Group, _: Attempt) -> list[str]:
    """In the order in which they were named, each once."""
    return [user for user in dict.fromkeys(params.users) if await _agrees(ports, user)]


async def _agrees(ports: Ports, user: str) -> bool:
    return (await ports.memory.preferences(user)).preferences.get("groupSummary") is True


async def _sum_up(ports: Ports, params: Group, agreed: list[str], since: datetime, attempt: Attempt) -> str:
    people: list[week.Person] = []
    for user in agreed:
        try:
            # Whoever has changed their mind since is left out, and so is who has gone.
            if await _agrees(ports, user):
                people.append(week.Person(user, await ports.memory.state(GetState(user=user, since=since.isoformat()))))
        except Refused:
            continue
    if not people:
        raise NonRetryable("Nobody agrees any more.")
    said = await ports.models.complete(attempt, week.to_sum_up_group(people, since, params.model))
    text = week.group_by_rules(people, since) if said.kind == "embedded" else said.text
    return wording.storable(text)[: wording.LONGEST_TEXT]


async def _keep(ports: Ports, params: Group, user: str, summary: str, attempt: Attempt) -> None:
    note = CreateNote(
        user=user,
        operation_id=operation_id(attempt.key, user),
        title=f"{params.name}: summary of {params.days} days",
        text=summary or "Nothing.",
        tags=["group"],
    )
    await ports.memory.create_note(note)
