"""Code that has changed under a journal: it fits, is told apart by `patched`, or fails with the step's name. And chance."""

import asyncio
from datetime import timedelta

from workflow.definition import workflow
from workflow.failure import StepError
from workflow.retries import NEVER
from workflow.step import Attempt, Step


async def nothing(_: Attempt) -> None: ...


async def key(attempt: Attempt) -> list:
    return [attempt.key, attempt.new_id(), attempt.random.random()]


async def halt(step: Step) -> None:
    await step.wait_for_event("halt", "go", timeout=timedelta(minutes=5))


def version(number: int, code):
    return workflow("changing", version=number)(code)


async def first(step: Step, params: dict):
    await step.do("one", nothing)
    await step.do("two", nothing)
    await halt(step)
    return "first"


async def renamed(step: Step, params: dict):
    await step.do("one", nothing)
    await step.do("deux", nothing)
    await halt(step)
    return "renamed"


async def another_kind(step: Step, params: dict):
    await step.do("one", nothing)
    await step.sleep("two", timedelta(days=1))
    return "another kind"


async def shorter(step: Step, params: dict):
    await step.do("one", nothing)
    return "shorter"


async def longer(step: Step, params: dict):
    await step.do("one", nothing)
    await step.do("two", nothing)
    await halt(step)
    await step.do("three", nothing)
    return "longer"


async def patched(step: Step, params: dict):
    await step.do("one", nothing)
    early = await step.patched("early")
    if early:
        await step.do("more", nothing)
    await step.do("two", nothing)
    await halt(step)
    late = await step.patched("late")
    await halt(step)
    return [early, late, await step.patched("late")]


async def begin_with_first(ana, new_worker) -> str:
    worker = await new_worker([version(1, first)])
    workflow_id = await ana.create("changing")
    await ana.until(workflow_id, "waiting")
    await worker.aclose()
    return workflow_id


async def goes_on_with(code, ana, new_worker):
    workflow_id = await begin_with_first(ana, new_worker)
    await new_worker([version(2, code)])
    await ana.send(workflow_id, "go")
    return await ana.until(workflow_id, "completed", "failed")


async def test_a_step_of_another_name_fails_with_both_names(ana, new_worker):
    state = await goes_on_with(renamed, ana, new_worker)
    assert (state.status, state.error.code) == ("failed", "diverged")
    assert state.error.message == (
        "The journal has the step 'two' next, where the code asks for 'deux'."
        " It began with version 1 of the code, this is version 2."
    )
    assert [step.name for step in state.steps] == ["one", "two", "halt"]


async def test_a_step_of_another_kind_fails_with_its_name(ana, new_worker):
    state = await goes_on_with(another_kind, ana, new_worker)
    assert state.error.message == "The journal has 'two' as a step.do, the code asks for a step.sleep."


async def test_code_that_ends_too_early_fails_with_the_step_it_left_out(ana, new_worker):
    state = await goes_on_with(shorter, ana, new_worker)
    assert "has the step 'two' next, where the code has come to its end" in state.error.message


async def test_code_that_has_grown_at_its_end_fits(ana, new_worker):
    assert (await goes_on_with(longer, ana, new_worker)).output == "longer"


async def test_patched_is_what_it_was_before_the_change_and_true_after_it(ana, new_worker):
    workflow_id = await begin_with_first(ana, new_worker)
    await new_worker([version(2, patched)])
    await ana.send(workflow_id, "go")
    await ana.until_that(workflow_id, lambda state: [s.name for s in state.steps if s.status == "waiting"] == ["halt#2"])
    await ana.send(workflow_id, "go")
    assert await ana.result(workflow_id) == [False, True, True]
    fresh = await ana.create("changing")
    for _ in range(2):
        await ana.send(fresh, "go")
    assert await ana.result(fresh) == [True, True, True]


async def test_F44_a_worker_of_an_older_version_leaves_it_to_a_newer_one(ana, new_worker):
    newer = await new_worker([version(2, first)])
    workflow_id = await ana.create("changing")
    await ana.until(workflow_id, "waiting")
    await newer.aclose()
    older = await new_worker([version(1, renamed)])
    await ana.send(workflow_id, "go")
    other = await ana.create("countdown", {"start": 1, "seconds": 0.01})
    await ana.result(other)
    assert (await ana.get(workflow_id)).status == "waiting"
    await older.aclose()
    await new_worker([version(2, first)])
    assert await ana.result(workflow_id) == "first"


async def test_clock_chance_and_ids_are_the_same_at_each_replay(ana, new_worker):
    seen = []

    async def code(step: Step, params: dict):
        seen.append([step.random.random(), step.new_id(), (await step.now()).isoformat(), await step.do("key", key)])
        await halt(step)
        return seen[-1]

    await new_worker([version(1, code)])
    workflow_id = await ana.create("changing")
    await ana.until(workflow_id, "waiting")
    await ana.send(workflow_id, "go")
    result = await ana.result(workflow_id)
    assert seen == [result, result]
    assert result[3][0] == f"ana:{workflow_id}:1:key"


async def test_branches_that_failed_after_others_had_ended_do_so_again(ana, new_worker):
    """The order in which outcomes are given out is that of the journal, whatever the order of the tasks."""

    async def fail(_: Attempt) -> None:
        await asyncio.sleep(0.15)
        raise RuntimeError("late")

    async def code(step: Step, params: dict):
        done = []

        async def chain() -> None:
            for number in range(4):
                done.append(await step.do(f"chain {number}", key))

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(chain())
                await step.do("fails", fail, retries=NEVER)
        except* StepError:
            pass
        await halt(step)
        await step.do("end", nothing)
        return len(done)

    await new_worker([version(1, code)])
    workflow_id = await ana.create("changing")
    await ana.until(workflow_id, "waiting")
    await ana.send(workflow_id, "go")
    assert await ana.result(workflow_id) == 4
