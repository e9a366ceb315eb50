"""A worker of the benchmark: the service with a few workflows of its own."""

import asyncio
import time
from datetime import timedelta
from functools import partial
from typing import Any

from shared.service import run
from workflow.app import application
from workflow.definition import workflow
from workflow.settings import WorkflowSettings
from workflow.step import Attempt, Step


async def nothing(_: Attempt) -> int:
    """What a step does here: what is measured is the engine."""
    return 1


@workflow("steps")
async def steps(step: Step, params: dict[str, Any]) -> int:
    """One after the other."""
    return sum([await step.do("step", nothing) for _ in range(params["count"])])


@workflow("waiter")
async def waiter(step: Step, params: dict[str, Any]) -> float:
    """The time at which the event has arrived."""
    await step.wait_for_event("go", "go", timeout=timedelta(days=1))
    return time.time()


@workflow("sleeper")
async def sleeper(step: Step, params: dict[str, Any]) -> None:
    """Long."""
    await step.sleep("long", timedelta(days=100))


@workflow("slow")
async def slow(step: Step, params: dict[str, Any]) -> float:
    """The time at which a step of two attempts began last: the first one dies with its worker."""

    async def hang(attempt: Attempt) -> float:
        begun = time.time()
        if begun < params["until"]:
            await asyncio.sleep(600)
        return begun

    return await step.do("hang", hang)


if __name__ == "__main__":
    run("workflow", partial(application, WorkflowSettings(slots=2_000), definitions=[steps, waiter, sleeper, slow]))
