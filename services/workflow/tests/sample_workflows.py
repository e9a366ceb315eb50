"""Workflows that the tests run, in this process and in others. What they do outside is a line in a file."""

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

from workflow.definition import Definition, workflow
from workflow.failure import EventTimedOut, NonRetryable, StepError
from workflow.retries import NEVER, Retries
from workflow.step import Attempt, Step

QUICK = Retries(limit=3, delay=0.01, backoff="constant")
Json = dict[str, Any]


def noting(params: Json, what: str):
    """A step's function that leaves a line with its key, and may kill its process before or after that."""

    async def note(attempt: Attempt) -> str:
        die(params, f"before {what}")
        with Path(params["file"]).open("a") as file:
            file.write(f"{what} {attempt.key}\n")
        die(params, f"after {what}")
        return what

    return note


def die(params: Json, where: str) -> None:
    """Kills this process, once, if it is to die here."""
    marker = Path(params["file"] + ".died")
    if params.get("die") == where and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)


async def nothing(_: Attempt) -> None: ...


@workflow("echo")
async def echo(step: Step, params: Json) -> Json:
    async def say(attempt: Attempt) -> Json:
        return {"said": params, "number": attempt.number}

    return await step.do("say", say)


@workflow("noted")
async def noted(step: Step, params: Json) -> list[str]:
    """Steps one after the other."""
    return [await step.do("note", noting(params, f"n{number}")) for number in range(params["steps"])]


@workflow("beside")
async def beside(step: Step, params: Json) -> list[str]:
    """Steps beside each other, of one name."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(step.do("note", noting(params, f"n{number}"))) for number in range(params["steps"])]
    return [task.result() for task in tasks]


@workflow("all")
async def everything(step: Step, params: Json) -> Json:
    """A bit of everything that can be interrupted."""
    first = await step.do("first", noting(params, "first"))
    await step.sleep("nap", timedelta(seconds=params.get("nap", 0.01)))
    die(params, "after nap")
    answer = await step.wait_for_event("answer", "answer", timeout=timedelta(minutes=10))
    die(params, "after answer")
    async with asyncio.TaskGroup() as group:
        left = group.create_task(step.do("left", noting(params, "left")))
        right = group.create_task(step.do("right", noting(params, "right")))
    last = await step.do("last", noting(params, "last"))
    die(params, "at the end")
    return {"steps": [first, left.result(), right.result(), last], "answer": answer}


@workflow("long")
async def long(step: Step, params: Json) -> list[int]:
    """Results that are too long for a journal, beside each other, before and after a wait."""

    async def say(_: Attempt) -> str:
        return "ä" * params["length"]

    async with asyncio.TaskGroup() as group:
        first = [group.create_task(step.do("say", say)) for _ in range(2)]
    await step.wait_for_event("go", "go")
    return [len(each.result()) for each in first] + [len(await step.do("say", say))]


@workflow("sleeper")
async def sleeper(step: Step, params: Json) -> str:
    await step.sleep("long", timedelta(days=params.get("days", 100)))
    return "awake"


@workflow("napper")
async def napper(step: Step, params: Json) -> str:
    await step.sleep("nap", timedelta(seconds=params["seconds"]))
    return "awake"


@workflow("waiter")
async def waiter(step: Step, params: Json) -> list[Any]:
    got: list[Any] = []
    for _ in range(params.get("events", 1)):
        try:
            got.append(await step.wait_for_event("go", "go", timeout=timedelta(seconds=params.get("seconds", 600))))
        except EventTimedOut:
            got.append("late")
    return got


@workflow("slow")
async def slow(step: Step, params: Json) -> list[str]:
    """Its first step ends when there is a file, or not at all."""

    async def wait_for_file(attempt: Attempt) -> str:
        await noting(params, "begun")(attempt)
        try:
            while not Path(params["file"] + ".go").exists():
                await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            await noting(params, "cancelled")(attempt)
            raise
        return "slow"

    return [await step.do("wait", wait_for_file), await step.do("after", noting(params, "after"))]


@workflow("flaky")
async def flaky(step: Step, params: Json) -> int:
    async def try_it(attempt: Attempt) -> int:
        if attempt.number <= params["failures"]:
            raise RuntimeError("not yet")
        return attempt.number

    return await step.do("try", try_it, retries=Retries(limit=params.get("limit", 3), delay=params.get("delay", 0.01)))


@workflow("deadly")
async def deadly(step: Step, params: Json) -> str:
    """Kills its process in the middle of a step, or takes so long."""

    async def act(_: Attempt) -> str:
        await asyncio.sleep(params.get("takes") or params["after"])
        if "takes" not in params:
            os.kill(os.getpid(), signal.SIGKILL)
        return "alive"

    return await step.do("act", act)


@workflow("hopeless")
async def hopeless(step: Step, params: Json) -> Any:
    """Fails in the way that is asked for."""

    how = params["how"]

    async def fail(_: Attempt) -> Any:
        if how == "refuse":
            raise NonRetryable("never")
        if how == "group":
            raise BaseExceptionGroup("all of it", [ValueError("inner")])
        if how == "slow":
            await asyncio.sleep(60)
        return {"set": {1, 2}, "nan": float("nan"), "large": "x" * 10_000_000, "surrogate": "\ud800"}[how]

    if how == "raise":
        raise ValueError("at once")
    if how == "return":
        return object()
    if how == "caught":
        return await caught(step)
    while how == "endless":
        await step.do("again", nothing)
    return await step.do("fail", fail, retries=QUICK, timeout=timedelta(seconds=params.get("timeout", 600)))


async def caught(step: Step) -> str:
    try:
        await step.do("fail", fail_always, retries=NEVER)
    except StepError as error:
        return error.problem.code
    return "nothing"


async def fail_always(_: Attempt) -> None:
    raise RuntimeError("always")


SAMPLES: list[Definition] = [
    echo, noted, beside, everything, sleeper, napper, waiter, slow, flaky, hopeless, long, deadly,
]  # fmt: skip
