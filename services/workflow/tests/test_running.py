"""Workflows on a real nats-server: what they come to, what of them can be seen, and what can't go on."""

import asyncio
from datetime import UTC, datetime

import pytest
from calling import Caller

from shared.contract import subjects
from shared.contract.events import WorkflowUpdated
from shared.contract.subjects import workflow_event
from shared.errors import Invalid, UnknownWorkflow, UnknownWorkflowType, WorkflowExists

pytestmark = pytest.mark.usefixtures("worker")


async def test_a_workflow_comes_to_its_result(ana):
    workflow_id = await ana.create("echo", {"a": [1, None, "ä"]})
    assert await ana.result(workflow_id) == {"said": {"a": [1, None, "ä"]}, "number": 1}
    (step,) = (await ana.get(workflow_id)).steps
    assert (step.name, step.status, step.attempts) == ("say", "completed", 1)


async def test_steps_of_one_name_are_counted_and_each_is_done_once(ana, tmp_path):
    file = tmp_path / "notes"
    workflow_id = await ana.create("noted", {"steps": 5, "file": str(file)})
    assert await ana.result(workflow_id) == ["n0", "n1", "n2", "n3", "n4"]
    assert [step.name for step in (await ana.get(workflow_id)).steps] == ["note", "note#2", "note#3", "note#4", "note#5"]
    assert len(file.read_text().splitlines()) == 5


async def test_steps_beside_each_other_are_all_done(ana, tmp_path):
    workflow_id = await ana.create("beside", {"steps": 20, "file": str(tmp_path / "notes")})
    assert await ana.result(workflow_id) == [f"n{number}" for number in range(20)]


async def test_a_known_id_is_a_conflict_and_ids_of_others_are_not_there(ana, bus):
    bob = Caller(ana.bus, "bob")
    assert await ana.create("echo", {}, "mine") == "mine"
    with pytest.raises(WorkflowExists):
        await ana.create("echo", {}, "mine")
    with pytest.raises(UnknownWorkflow):
        await bob.get("mine")
    assert await bob.create("echo", {"b": 1}, "mine") == "mine"
    assert await bob.result("mine") == {"said": {"b": 1}, "number": 1}


async def test_an_id_that_does_not_fit_is_refused(ana):
    for workflow_id in ("a.b", "a b", "*", ">", "a/b", "x" * 65, "ä"):
        with pytest.raises(Invalid):
            await ana.create("echo", {}, workflow_id)


async def test_what_nobody_knows_is_refused(ana):
    with pytest.raises(UnknownWorkflowType):
        await ana.create("unheard_of")
    with pytest.raises(Invalid):
        await ana.create("countdown", {"start": "many"})
    with pytest.raises(UnknownWorkflow):
        await ana.get("w_nothing")


async def test_a_sleep_is_over_in_time_and_not_before(ana):
    began = datetime.now(UTC)
    workflow_id = await ana.create("napper", {"seconds": 1.5})
    state = await ana.until(workflow_id, "sleeping")
    assert state.steps[0].status == "sleeping"
    assert await ana.result(workflow_id) == "awake"
    (step,) = (await ana.get(workflow_id)).steps
    assert (step.ended_at - began).total_seconds() >= 1.5


async def test_an_event_goes_to_who_waits_for_it(ana):
    workflow_id = await ana.create("waiter")
    assert (await ana.until(workflow_id, "waiting")).steps[0].status == "waiting"
    await ana.send(workflow_id, "other", 1)
    await ana.send(workflow_id, "go", {"yes": True})
    assert await ana.result(workflow_id) == [{"yes": True}]


async def test_events_that_come_early_are_kept_in_order_and_the_same_one_counts_once(ana, tmp_path):
    params = {"file": str(tmp_path / "notes"), "nap": 1.2}
    workflow_id = await ana.create("all", params)
    for _ in range(2):
        await ana.send(workflow_id, "answer", "early", event_id="one")
    await ana.send(workflow_id, "answer", "second")
    assert (await ana.result(workflow_id))["answer"] == "early"
    workflow_id = await ana.create("waiter", {"events": 3, "seconds": 2})
    await ana.send(workflow_id, "go", 1)
    await ana.send(workflow_id, "go", 2)
    assert await ana.result(workflow_id) == [1, 2, "late"]


async def test_a_step_that_fails_is_tried_again_and_its_attempts_are_seen(ana):
    workflow_id = await ana.create("flaky", {"failures": 2})
    assert await ana.result(workflow_id) == 3
    workflow_id = await ana.create("flaky", {"failures": 9, "limit": 2})
    state = await ana.until(workflow_id, "failed")
    assert (state.error.code, state.steps[0].attempts, state.steps[0].status) == ("step_failed", 3, "failed")
    assert state.steps[0].error.message == "RuntimeError: not yet"


async def test_a_long_pause_between_attempts_is_slept_through(ana):
    workflow_id = await ana.create("flaky", {"failures": 1, "delay": 1.5})
    state = await ana.until(workflow_id, "sleeping")
    assert state.steps[0].status == "retrying"
    assert await ana.result(workflow_id) == 2


POISON = {
    "raise": "ValueError: at once",
    "refuse": "The step 'fail' failed: NonRetryable: never",
    "set": "is not JSON: set",
    "nan": "is not JSON: float",
    "large": "8388608 are allowed",
    "surrogate": "is not JSON: str",
    "return": "is not JSON: object",
    "group": "ValueError: inner",
}


async def test_poison_workflows_fail_alone_each_with_its_reason(ana):
    poison = {how: await ana.create("hopeless", {"how": how}) for how in POISON}
    other = await ana.create("echo", {})
    for how, reason in POISON.items():
        assert reason in (await ana.until(poison[how], "failed")).error.message
    await ana.result(other)


async def test_a_result_too_long_for_a_journal_is_kept_beside_it_and_goes_with_it(ana, bus, worker, new_worker):
    workflow_id = await ana.create("long", {"length": 700_000})
    await ana.until(workflow_id, "waiting")
    await worker.aclose()
    again = await new_worker(keep_days=0)
    journal = await bus.read(subjects.journal("ana", workflow_id))
    assert sum(len(data) for _, _, data in journal) < 10_000
    assert len(await bus.subjects(subjects.cargo("ana", workflow_id))) == 2
    await ana.send(workflow_id, "go")

    async def left():
        return len(await bus.subjects(subjects.cargo("ana", workflow_id)))

    await ana.until_so(left, lambda count: count == 0)
    await again.aclose()


async def test_a_long_result_is_what_it_was_after_a_replay(ana, worker, new_worker):
    workflow_id = await ana.create("long", {"length": 700_000})
    await ana.until(workflow_id, "waiting")
    await worker.aclose()
    await new_worker()
    await ana.send(workflow_id, "go")
    assert await ana.result(workflow_id) == [700_000] * 3


async def test_a_step_that_takes_too_long_fails(ana):
    workflow_id = await ana.create("hopeless", {"how": "slow", "timeout": 0.05})
    state = await ana.until(workflow_id, "failed")
    assert (state.steps[0].attempts, state.steps[0].error.code) == (4, "timed_out")


async def test_a_workflow_can_catch_what_fails(ana):
    assert await ana.result(await ana.create("hopeless", {"how": "caught"})) == "failed"


async def test_an_endless_loop_of_steps_is_ended(new_worker, ana, worker):
    await worker.aclose()
    await new_worker(max_steps=50)
    state = await ana.until(await ana.create("hopeless", {"how": "endless"}), "failed")
    assert (state.error.code, len(state.steps)) == ("too_many_steps", 50)


async def test_each_change_is_an_event_on_the_feed_in_order(ana, bus, tmp_path):
    workflow_id = await ana.create("all", {"file": str(tmp_path / "notes"), "nap": 1.2})
    await ana.until(workflow_id, "waiting")
    await ana.send(workflow_id, "answer", 1)
    await ana.result(workflow_id)
    async with asyncio.timeout(20):
        events: list[WorkflowUpdated] = []
        while not events or events[-1].status != "completed":
            await asyncio.sleep(0.05)
            entries = await bus.read(workflow_event("ana", workflow_id))
            events = [WorkflowUpdated.decode(data) for _, _, data in entries]
    assert {name for _, name, _ in entries} == {b"workflow.updated"}
    statuses = [event.status for event in events]
    assert statuses[0] == "queued"
    assert [status for status in statuses if status in ("sleeping", "waiting", "completed")][0::1][-1] == "completed"
    done = [event.step for event in events if event.step_status == "completed"]
    assert done[0] == "first"
    assert done[-1] == "last"
    assert len({event.id for event in events}) == len(events)


async def test_workflows_are_listed_newest_first_page_by_page(ana):
    ids = [await ana.create("echo", {"n": number}) for number in range(5)]
    waiting = await ana.create("waiter")
    for workflow_id in ids:
        await ana.result(workflow_id)
    await ana.until(waiting, "waiting")
    first = await ana.list(limit=4)
    second = await ana.list(limit=4, before=first.next)
    assert [each.id for each in first.workflows + second.workflows] == [waiting, *reversed(ids)]
    assert second.next is None
    assert [each.id for each in (await ana.list(status="waiting")).workflows] == [waiting]
    assert len((await ana.list(type="echo")).workflows) == 5


async def test_the_workflow_to_try_things_out_with_counts_down(ana):
    assert await ana.result(await ana.create("countdown", {"start": 2, "seconds": 0.01})) == {"said": [2, 1], "stopped": None}
