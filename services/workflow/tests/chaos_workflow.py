"""The workflow of a campaign: steps with effects one after the other and beside each other, sleep, and an event.

An effect is a line `workflow step key` in a file. Whoever honours the key acts once for each that is different.
"""

import asyncio
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from workflow.definition import workflow
from workflow.retries import Retries
from workflow.step import Attempt, Step

QUICK = Retries(limit=50, delay=0.01, backoff="constant")
ONE_BY_ONE, BESIDE = 4, 3
STEPS = [*(f"do {number}" for number in range(ONE_BY_ONE)), *(f"beside {number}" for number in range(BESIDE)), "last"]


def nowhere() -> None:
    """Where no one dies."""


before: Callable[[], None] = nowhere
after: Callable[[], None] = nowhere


def effect(params: dict[str, Any], name: str, about: str) -> Callable[[Attempt], Any]:
    """What a step does outside: one line, written in one piece."""

    async def act(attempt: Attempt) -> str:
        before()
        file = os.open(params["file"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{about} {name.replace(' ', '-')} {attempt.key.replace(' ', '-')}\n".encode())
        os.close(file)
        after()
        return name

    return act


@workflow("chaos")
async def chaos(step: Step, params: dict[str, Any]) -> list[Any]:
    """Everything that can be interrupted."""
    about = step.about.workflow_id

    async def do(name: str) -> str:
        return await step.do(name, effect(params, name, about), retries=QUICK)

    said: list[Any] = [await do(f"do {number}") for number in range(ONE_BY_ONE)]
    await step.sleep("nap", timedelta(seconds=params["nap"]))
    said.append(await step.wait_for_event("answer", "answer", timeout=timedelta(hours=1)))
    async with asyncio.TaskGroup() as group:
        beside = [group.create_task(do(f"beside {number}")) for number in range(BESIDE)]
    said += [task.result() for task in beside]
    return [*said, await do("last")]
