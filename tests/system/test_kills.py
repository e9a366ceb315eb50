"""Processes die in the middle of an answer. It completes, once, and a reader with its cursor gets every byte once."""

import asyncio
import signal

import pytest
from support.system import running

PACE = {"INFERENCE_DEMO_TOKENS_PER_SECOND": "100"}
COUNT = 250


def counted(text: str) -> list[int]:
    return [int(word) for word in text.replace(",", " ").replace(".", " ").split() if word.isdigit()]


async def until_token(client, accepted, number):
    """Reads until the `number`th piece of the answer is there; answers the cursor of that moment."""
    seen = 0
    async with asyncio.timeout(30):
        async for event in client.follow(accepted["streamUrl"]):
            seen += event.event == "llm.token"
            if seen >= number:
                return event.id
    raise AssertionError("unreachable")


async def assert_whole(client, accepted, fold):
    assert fold.ends == {accepted["answerId"]: "message.completed"}
    messages = await client.messages(accepted["conversationId"])
    assert [(m["role"], m["status"]) for m in messages] == [("user", "completed"), ("assistant", "completed")]
    assert messages[-1]["text"] == fold.texts[accepted["answerId"]] == fold.stored[accepted["answerId"]]["text"]
    assert counted(messages[-1]["text"]) == list(range(1, COUNT + 1))


@pytest.mark.parametrize("victim", ["inference-1", "memory-1", "gateway-1", "nats-1"])
async def test_f1_f5_f6_f9_a_killed_process_costs_no_byte_of_the_answer(tmp_path, victim):
    with running(tmp_path, **PACE) as system:
        async with system.client() as client:
            accepted = await client.send(f"count to {COUNT}")
            following = asyncio.create_task(client.answer(accepted))
            await until_token(client, accepted, 40)
            system.signal(victim, signal.SIGKILL)
            await assert_whole(client, accepted, await following)


async def test_f28_nothing_of_a_worker_that_was_frozen_past_its_lease_appears(tmp_path):
    with running(tmp_path, scale="inference=2", **PACE) as system:
        async with system.client() as client:
            accepted = await client.send(f"count to {COUNT}")
            following = asyncio.create_task(client.answer(accepted))
            await until_token(client, accepted, 40)
            for worker in ("inference-1", "inference-2"):
                system.signal(worker, signal.SIGSTOP)
            frozen, other = await which_runs(system, accepted)
            system.signal(other, signal.SIGCONT)
            fold = await following
            system.signal(frozen, signal.SIGCONT)
            assert fold.restarts == 1
            await assert_whole(client, accepted, fold)
            again = await client.answer(accepted)
            assert again.ids == fold.ids


async def test_f21_f28_what_a_frozen_worker_still_holds_of_a_stopped_answer_never_appears(tmp_path):
    with running(tmp_path, scale="inference=2", **PACE) as system:
        async with system.client() as client:
            accepted = await client.send(f"count to {COUNT}")
            following = asyncio.create_task(client.answer(accepted))
            await until_token(client, accepted, 40)
            for worker in ("inference-1", "inference-2"):
                system.signal(worker, signal.SIGSTOP)
            await client.call("POST", f"/api/v1/conversations/{accepted['conversationId']}/stop", json={})
            frozen, other = await which_runs(system, accepted)
            system.signal(other, signal.SIGCONT)
            fold = await following
            system.signal(frozen, signal.SIGCONT)
            assert fold.ends == {accepted["answerId"]: "message.cancelled"}
            stored = (await client.messages(accepted["conversationId"]))[-1]
            assert stored["text"].startswith("1, 2, 3")
            assert stored["text"] == fold.texts[accepted["answerId"]]
            later = await client.send("count to 3", conversationId=accepted["conversationId"])
            await client.answer({**later, "streamUrl": accepted["streamUrl"]})  # Everything again: no token after the end.


async def which_runs(system, accepted):
    """The worker that has the answer, and the other one."""
    logs = {name: (system.data / "log" / f"{name}.log").read_text() for name in ("inference-1", "inference-2")}
    holders = [name for name, text in logs.items() if accepted["generationId"] in text]
    assert len(holders) == 1, "one worker, and its log names the generation"
    return holders[0], ({*logs} - {holders[0]}).pop()
