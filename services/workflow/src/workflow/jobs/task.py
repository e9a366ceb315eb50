"""The workflow `task`: a goal is planned by a model, worked on item by item, and what comes of it is kept as a note."""

from functools import partial
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from shared.contract.base import Message
from shared.contract.inference import Complete
from shared.contract.state import CreateNote
from workflow.definition import Definition, workflow
from workflow.failure import StepError
from workflow.jobs import wording
from workflow.jobs.ports import Memory, Models
from workflow.retries import Retries
from workflow.step import Attempt, Step

ASKING = Retries(limit=6, delay=2.0)
"""Models are busy, or say nonsense, and are asked again: for two minutes, then the task fails with the reason."""


class Goal(Message):
    """What is to be reached; the installation's first model works on it, or the one that is named."""

    goal: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8_000)]
    model: str | None = Field(default=None, max_length=255)


def task(models: Models, memory: Memory) -> Definition:
    """The workflow."""

    @workflow("task")
    async def work(step: Step, params: Goal) -> dict[str, Any]:
        goal, model = wording.storable(params.goal), params.model
        planned = await step.do("plan", partial(_plan, models, wording.to_plan(goal, model)), retries=ASKING)
        plan: list[str] = planned["plan"]
        done: list[str] = []
        for number, item in enumerate(plan, 1):
            asked = wording.to_work(goal, plan, done, model)
            done.append(await step.do(wording.step_name(number, item), partial(_say, models, asked), retries=ASKING))
        if planned["byRules"]:
            result = kept = wording.by_rules(plan, done)
        else:
            asked = wording.to_sum_up(goal, plan, done, model)
            result = await step.do("result", partial(_say, models, asked), retries=ASKING)
            kept = wording.noted(plan, result)
        note_id = await _kept(step, memory, f"Task: {goal[:200]}", kept)
        return {"plan": plan, "result": result, "noteId": note_id}

    return work


async def _plan(models: Models, question: Complete, _: Attempt) -> dict[str, Any]:
    said = await models.complete(question)
    return {"plan": wording.plan_of(said.text), "byRules": said.kind == "embedded"}


async def _say(models: Models, question: Complete, _: Attempt) -> str:
    return wording.storable((await models.complete(question)).text)[: wording.LONGEST_TEXT]


async def _kept(step: Step, memory: Memory, title: str, text: str) -> str | None:
    """The id of the note. A person who can't have more notes still has the result of the workflow."""
    user = step.about.user

    async def keep(attempt: Attempt) -> str:
        key = wording.operation_id(attempt.key)
        note = CreateNote(user=user, operation_id=key, title=title, text=text, tags=["task"])
        return (await memory.create_note(note)).id

    try:
        return await step.do("store", keep)
    except StepError:
        return None
