"""The workflow `week_summary`: what the last seven days were, in the words of a model or by a rule, kept as a note."""

from datetime import timedelta
from typing import Any

from pydantic import Field

from shared.contract.base import Message
from shared.contract.state import CreateNote, GetState
from workflow.definition import Definition, workflow
from workflow.jobs import week, wording
from workflow.jobs.keys import operation_id
from workflow.jobs.ports import Ports
from workflow.jobs.task import ASKING
from workflow.step import Attempt, Step

WEEK = timedelta(days=7)
MESSAGES = 200


class Week(Message):
    """The week that ends now; the installation's first model sums it up, or the one that is named."""

    model: str | None = Field(default=None, max_length=255)


def week_summary(ports: Ports) -> Definition:
    """The workflow."""

    @workflow("week_summary", warm_only=True)
    async def summarise(step: Step, params: Week) -> dict[str, Any]:
        user, now = step.about.user, await step.now()

        async def sum_up(attempt: Attempt) -> str:
            # One step: what a person has said need not be kept in a journal too.
            since = now - WEEK
            state = await ports.memory.state(GetState(user=user, since=since.isoformat(), limit=MESSAGES))
            said = await ports.models.complete(attempt, week.to_sum_up(state, since, params.model))
            text = week.by_rules(state, since) if said.kind == "embedded" else said.text
            return wording.storable(text)[: wording.LONGEST_TEXT]

        summary = await step.do("sum up", sum_up, retries=ASKING)

        async def keep(attempt: Attempt) -> str:
            key, title = operation_id(attempt.key), f"The week until {now.date().isoformat()}"
            note = CreateNote(user=user, operation_id=key, title=title, text=summary or "Nothing.", tags=["week"])
            return (await ports.memory.create_note(note)).id

        return {"summary": summary, "noteId": await step.do("store", keep)}

    return summarise
