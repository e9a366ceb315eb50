"""Completions for work in the background: what is said, what is passing and what is not, and who waits for whom."""

import asyncio
import json
from typing import Any

import fake_upstream as fake
import pytest
from turns import NewBus, Turn, Work

from inference.planner import LONGEST, MOST, steps
from shared.bus import Bus
from shared.contract.inference import COMPLETE, Complete, Completion
from shared.contract.objects import PromptMessage, Sampling
from shared.errors import Busy, ModelBusy, ModelRefused, Unavailable, UnknownModel

LONG = 30.0


@pytest.fixture
async def asker(new_bus: NewBus) -> Bus:
    """Asks with the permissions of the service that does ask."""
    return await new_bus("workflow")


async def completed(asker: Bus, text: str, **fields: Any) -> Completion:
    question = Complete(messages=[PromptMessage(role="user", text=text)], **fields)
    return await asker.ask(COMPLETE, question, timeout=LONG)


async def test_the_built_in_commands_complete_and_say_what_they_are(asker: Bus, work: Work):
    await work()
    said = await completed(asker, "count to 5")
    assert (said.text, said.kind, said.model, said.finish_reason) == ("1, 2, 3, 4, 5", "embedded", "colloquy-demo", "stop")


async def test_without_a_model_a_list_is_made_by_a_rule(asker: Bus, work: Work):
    await work()
    said = await completed(asker, "Buy bread, then call John; water the plants", form="list")
    assert json.loads(said.text) == ["Buy bread", "call John", "water the plants"]
    assert said.kind == "embedded"


async def test_a_model_is_given_the_messages_as_they_are(asker: Bus, work: Work):
    async with fake.upstream(fake.well) as server:
        await work(base_url=server.url, model="m")
        said = await completed(asker, "hello", sampling=Sampling(max_tokens=7))
        assert (said.text, said.kind, said.model) == ("Héllo 🙂", "openai", "m")
        assert server.requests[0].body["messages"] == [{"role": "user", "content": "hello"}]
        assert server.requests[0].body["max_tokens"] == 7


@pytest.mark.parametrize(
    ("behaviour", "fault"),
    [
        (fake.half_then_closes, ModelBusy),
        (fake.hangs, ModelBusy),
        (fake.half_then_hangs, ModelBusy),
        (fake.error_in_mid_stream, ModelBusy),
        (fake.refuses("500 Internal Server Error"), ModelBusy),
        (fake.refuses("400 Bad Request"), ModelRefused),
    ],
)
async def test_what_may_be_passing_is_busy_and_the_rest_refused(asker: Bus, work: Work, behaviour: Any, fault: Any):
    async with fake.upstream(behaviour) as server:
        await work(base_url=server.url, model="m", retries=0, first_token_seconds=0.5, idle_seconds=0.5)
        with pytest.raises(fault) as raised:
            await completed(asker, "hello")
        assert "no" not in str(raised.value).split(), "never in the words of the server"


async def test_a_model_that_nobody_knows_is_refused(asker: Bus, work: Work):
    await work()
    with pytest.raises(UnknownModel):
        await completed(asker, "hello", model="nobody")


async def test_a_text_without_end_is_cut(asker: Bus, work: Work):
    await work(max_output_chars=10)
    said = await completed(asker, "count to 100")
    assert (said.text, said.finish_reason) == ("1, 2, 3, 4", "length")


async def test_answers_do_not_wait_for_completions(asker: Bus, work: Work, turn: Turn):
    async with fake.upstream(fake.hangs) as server:
        await work(base_url=server.url, model="m", complete_slots=1, first_token_seconds=60, total_seconds=60)
        async with asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(completed(asker, "hello", model="m")) for _ in range(3)]
            while not server.requests:
                await asyncio.sleep(0.01)
            assert (await turn.answer("count to 3", model="colloquy-demo")).text == "1, 2, 3"
            assert len(server.requests) == 1, "one slot, one request"
            for each in waiting:
                each.cancel()


async def test_a_worker_that_leaves_ends_its_completions_at_once(asker: Bus, work: Work):
    async with fake.upstream(fake.hangs) as server:
        worker = await work(base_url=server.url, model="m", complete_slots=1, first_token_seconds=60, total_seconds=60)
        async with asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(outcome(completed(asker, "hello"))) for _ in range(3)]
            while not server.requests:
                await asyncio.sleep(0.01)
            async with asyncio.timeout(20):
                await worker.aclose()
        assert {type(each.result()) for each in waiting} == {Unavailable}


async def outcome(asked: Any) -> Any:
    try:
        return await asked
    except Busy as fault:
        return fault


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("one", ["one"]),
        ("1. one\n2) two\n\n- three", ["one", "two", "three"]),
        ("Write. Then read, and then rest!", ["Write", "read", "rest!"]),
        ("erst dies, dann das; danach alles", ["erst dies", "das", "alles"]),
        ("authentic strengthen", ["authentic strengthen"]),
        (" then ", ["then"]),
        (";;;", [";;;"]),
    ],
)
def test_a_rule_divides_a_goal_by_its_own_wording(goal: str, expected: list[str]):
    assert steps(goal) == expected


@pytest.mark.parametrize("goal", ["a;" * 50_000, "- " * 50_000, " " * 50_000, "then " * 20_000, "x" * 50_000, "\n" * 50_000])
def test_whatever_the_goal_a_plan_is_short(goal: str):
    found = steps(goal)
    assert 1 <= len(found) <= MOST
    assert all(len(step) <= LONGEST for step in found)
