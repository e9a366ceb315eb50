"""Pausing, resuming, ending and beginning again, at every state of a workflow."""

import asyncio
from pathlib import Path

import pytest
from calling import LONG

from shared.errors import UnknownStep, UnknownWorkflow, WorkflowEnded

pytestmark = pytest.mark.usefixtures("worker")


def notes(file: Path) -> list[str]:
    """What steps have done, without their keys."""
    return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []


async def begun(file: Path, what: str = "begun") -> None:
    async with asyncio.timeout(LONG):
        while what not in notes(file):
            await asyncio.sleep(0.02)


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "notes"


async def test_pause_lets_the_running_step_end_and_records_it_and_begins_nothing(ana, file):
    workflow_id = await ana.create("slow", {"file": str(file)})
    await begun(file)
    assert await ana.pause(workflow_id) == "paused"
    Path(f"{file}.go").touch()
    state = await ana.until_that(workflow_id, lambda state: state.steps and state.steps[0].status == "completed")
    assert state.status == "paused"
    assert await ana.pause(workflow_id) == "paused"
    assert notes(file) == ["begun"]
    assert await ana.resume(workflow_id) in ("running", "queued")
    assert await ana.result(workflow_id) == ["slow", "after"]


async def test_resumed_before_its_step_has_ended_it_goes_on(ana, file):
    workflow_id = await ana.create("slow", {"file": str(file)})
    await begun(file)
    await ana.pause(workflow_id)
    await ana.resume(workflow_id)
    Path(f"{file}.go").touch()
    assert await ana.result(workflow_id) == ["slow", "after"]
    assert notes(file) == ["begun", "after"]


async def test_what_is_paused_sleeps_through_its_time_and_keeps_its_events(ana):
    nap, waiter = await ana.create("napper", {"seconds": 1.2}), await ana.create("waiter")
    await ana.until(nap, "sleeping")
    await ana.until(waiter, "waiting")
    await ana.pause(nap)
    await ana.pause(waiter)
    await ana.send(waiter, "go", 1)
    await asyncio.sleep(1.6)
    assert [(await ana.get(each)).status for each in (nap, waiter)] == ["paused", "paused"]
    await ana.resume(nap)
    await ana.resume(waiter)
    assert (await ana.result(nap), await ana.result(waiter)) == ("awake", [1])


async def test_an_event_that_is_repeated_after_the_end_is_answered_as_before(ana):
    workflow_id = await ana.create("all", {"file": "/dev/null"})
    await ana.send(workflow_id, "answer", 42, event_id="once")
    await ana.result(workflow_id)
    assert await ana.send(workflow_id, "answer", 42, event_id="once") == "completed"
    with pytest.raises(WorkflowEnded):
        await ana.send(workflow_id, "answer", 42, event_id="another")


async def test_terminate_cancels_the_running_step_and_what_is_ended_stays_so(ana, file):
    workflow_id = await ana.create("slow", {"file": str(file)})
    await begun(file)
    assert await ana.terminate(workflow_id) == "terminated"
    await begun(file, "cancelled")
    assert await ana.terminate(workflow_id) == "terminated"
    for refused in (ana.pause(workflow_id), ana.resume(workflow_id), ana.send(workflow_id, "go")):
        with pytest.raises(WorkflowEnded):
            await refused
    assert notes(file) == ["begun", "cancelled"]
    finished = await ana.create("echo", {})
    await ana.result(finished)
    with pytest.raises(WorkflowEnded):
        await ana.terminate(finished)


async def test_what_sleeps_can_be_terminated_and_restarted(ana):
    workflow_id = await ana.create("sleeper")
    await ana.until(workflow_id, "sleeping")
    await ana.terminate(workflow_id)
    await ana.restart(workflow_id)
    state = await ana.until(workflow_id, "sleeping")
    assert (state.run, len(state.steps)) == (2, 1)


async def test_restart_does_everything_again_with_other_keys(ana, file):
    workflow_id = await ana.create("noted", {"steps": 3, "file": str(file)})
    await ana.result(workflow_id)
    await ana.restart(workflow_id)
    await ana.until_that(workflow_id, lambda state: state.run == 2 and state.status == "completed")
    assert notes(file) == ["n0", "n1", "n2"] * 2
    keys = [line.split()[1] for line in file.read_text().splitlines()]
    assert len(set(keys)) == 6


async def test_restart_from_a_step_keeps_what_was_before_it(ana, file):
    workflow_id = await ana.create("noted", {"steps": 3, "file": str(file)})
    await ana.result(workflow_id)
    with pytest.raises(UnknownStep):
        await ana.restart(workflow_id, "nothing")
    await ana.restart(workflow_id, "note#3")
    await ana.until_that(workflow_id, lambda state: state.run == 2 and state.status == "completed")
    assert notes(file) == ["n0", "n1", "n2", "n2"]


async def test_restart_while_it_runs_begins_again(ana, file):
    workflow_id = await ana.create("slow", {"file": str(file)})
    await begun(file)
    await ana.restart(workflow_id)
    await begun(file, "cancelled")
    Path(f"{file}.go").touch()
    assert await ana.result(workflow_id) == ["slow", "after"]
    assert (await ana.get(workflow_id)).run == 2
    assert notes(file) == ["begun", "cancelled", "begun", "after"]


async def test_what_has_ended_is_erased_when_it_was_kept_long_enough(ana, worker, new_worker):
    await worker.aclose()
    await new_worker(keep_days=1 / 86_400)
    workflow_id = await ana.create("echo", {})
    with pytest.raises(UnknownWorkflow):
        await ana.until(workflow_id, "never")
    assert (await ana.list()).workflows == []
    assert await ana.create("echo", {}, workflow_id) == workflow_id


async def test_many_commands_at_once_leave_it_whole(ana):
    workflow_id = await ana.create("waiter", {"events": 30})
    async with asyncio.TaskGroup() as group:
        for number in range(30):
            group.create_task(ana.send(workflow_id, "go", number))
        for _ in range(5):
            group.create_task(ana.pause(workflow_id))
    await ana.resume(workflow_id)
    assert sorted(await ana.result(workflow_id)) == list(range(30))
