"""Stop, lost leases, fencing, and leaving: who may end an answer, and what becomes of its text."""

import asyncio
import json
from contextlib import suppress

import fake_upstream as fake
import pytest
from test_upstream import configured
from turns import Turn, Work, folded

from inference import lease
from shared.bus import Bus, Fenced
from shared.contract.inference import StopNow
from shared.contract.streams import stream_of
from shared.contract.subjects import Subject, stop_signal, token_log

SLOW = {"demo_tokens_per_second": 100}


async def purge(bus: Bus, subject: Subject):
    """Removes what a subject holds, as a store that lost its last writes would."""
    done = asyncio.Event()
    inbox = bus.wire.new_inbox()
    bus.wire.subscribe(inbox, lambda *_: done.set())
    question = json.dumps({"filter": subject}).encode()
    bus.wire.publish(f"$JS.API.STREAM.PURGE.{stream_of(subject)}".encode(), question, reply=inbox.encode())
    await done.wait()


@pytest.fixture
def quick_renewals(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.05)


async def test_stop_closes_the_upstream_connection(turn: Turn, work: Work, bus: Bus):
    async with fake.upstream(fake.half_then_hangs) as server:
        await work(**configured(server.url, idle_seconds=60, total_seconds=60))
        row = turn.memory.add("hi")
        await turn.order()
        await turn.said(1)
        await bus.tell(stop_signal("g_1"), StopNow(generation_id="g_1"))
        async with asyncio.timeout(10):
            await server.closed.acquire()
        end = await turn.ended(row)
        assert (end.outcome, end.text, end.finish_reason, end.error.code) == ("cancelled", "half", "cancelled", "cancelled")


async def test_f21_stop_before_the_first_token(turn: Turn, work: Work, bus: Bus):
    async with fake.upstream(fake.hangs) as server:
        await work(**configured(server.url, first_token_seconds=60, total_seconds=60))
        row = turn.memory.add("hi")
        await turn.order()
        async with asyncio.timeout(20):
            while not server.requests:
                await asyncio.sleep(0.005)
        await bus.tell(stop_signal("g_1"), StopNow(generation_id="g_1"))
        assert ((await turn.ended(row)).outcome, row.end.text) == ("cancelled", "")


async def test_f21_stop_after_the_end_changes_nothing(turn: Turn, work: Work, bus: Bus):
    await work()
    end = await turn.answer("count to 3")
    await bus.tell(stop_signal("g_1"), StopNow(generation_id="g_1"))
    await turn.order()
    assert (await turn.answer("count to 2", "g_2")).outcome == "completed"
    assert (end.outcome, turn.memory.finishes) == ("completed", 2)


async def test_a_stop_that_was_not_heard_is_learnt_when_the_lease_is_renewed(turn: Turn, work: Work, quick_renewals: None):
    await work(**SLOW)
    row = turn.memory.add("count to 5000")
    await turn.order()
    await turn.said(3)
    row.stop = True
    end = await turn.ended(row)
    assert end.outcome == "cancelled"
    assert folded(await turn.log()) == end.text


async def test_a_generation_stopped_while_nobody_ran_it_keeps_the_text_of_its_last_attempt(turn: Turn, work: Work):
    worker = await work(**SLOW)
    row = turn.memory.add("count to 5000")
    await turn.order()
    await turn.said(5)
    row.status, row.stop = "queued", True
    await worker.aclose()
    said = folded(await turn.log())
    await work(base_url="http://127.0.0.1:1/v1", model="unreachable")
    await turn.order()
    end = await turn.ended(row)
    assert (end.outcome, end.text) == ("cancelled", said)
    assert said.startswith("1, 2, 3")


async def test_a_lost_lease_ends_the_attempt_without_a_word(turn: Turn, work: Work, quick_renewals: None):
    async with fake.upstream(fake.half_then_hangs) as server:
        await work(**configured(server.url, idle_seconds=60, total_seconds=60))
        row = turn.memory.add("hi")
        await turn.order()
        await turn.said(1)
        row.epoch += 1
        async with asyncio.timeout(20):
            await server.closed.acquire()
        assert (await turn.answer("hi", "g_2", model="nobody")).outcome == "failed"
        assert row.end is None


async def test_t12_a_worker_that_lost_an_answer_keeps_its_order_in_case_the_winner_dies(
    turn: Turn, work: Work, quick_renewals: None
):
    async with fake.upstream(fake.half_then_hangs, fake.well) as server:
        await work(**configured(server.url, idle_seconds=60, total_seconds=60))
        row = turn.memory.add("hi", lease_seconds=0.1)
        await turn.order()
        await turn.said(1)
        row.epoch += 1
        assert ((await turn.ended(row)).outcome, row.epoch) == ("completed", 3)
        assert folded(await turn.log()) == row.end.text


async def test_a_stream_that_forgot_what_it_acknowledged_leads_to_a_new_attempt(turn: Turn, work: Work, bus: Bus):
    await work(**SLOW)
    row = turn.memory.add("count to 200", lease_seconds=0.1)
    await turn.order()
    await turn.said(3)
    await purge(bus, token_log("ana", "c_1", "g_1"))
    end = await turn.ended(row)
    assert (end.outcome, end.epoch) == ("completed", 2)
    assert folded(await turn.log()) == end.text


async def test_f28_a_worker_that_is_overtaken_is_fenced_and_stops_at_once(turn: Turn, work: Work, bus: Bus):
    await work(**SLOW, slots=1)
    row = turn.memory.add("count to 5000")
    await turn.order()
    await turn.said(3)
    subject = token_log("ana", "c_1", "g_1")
    while True:
        last = await bus.last(subject)
        with suppress(Fenced):
            await bus.store(subject, b'{"attempt": 2, "token": "mine"}', type="generation.restarted", expect=last[0])
            break
    # The next order can only be carried out when the slot of the fenced one is free.
    assert (await turn.answer("count to 2", "g_2")).text == "1, 2"
    log = await turn.log()
    assert log[-1].type == "generation.restarted"
    assert row.end is None


async def test_f1_a_second_attempt_restarts_behind_what_the_first_one_left(turn: Turn, work: Work, bus: Bus):
    row = turn.memory.add("count to 3")
    row.epoch = 1
    await bus.store(token_log("ana", "c_1", "g_1"), b'{"attempt": 1, "token": "void"}', type="llm.token")
    await work()
    await turn.order()
    end = await turn.ended(row)
    log = await turn.log()
    assert [one.type for one in log[:2]] == ["llm.token", "generation.restarted"]
    assert (folded(log), log[1].event["attempt"], end.epoch) == (end.text, 2, 2)


async def test_f3_an_order_for_a_finished_generation_asks_no_model(turn: Turn, work: Work):
    async with fake.upstream(fake.well) as server:
        await work(**configured(server.url))
        await turn.answer("hi")
        await turn.order()
        await turn.answer("hi", "g_2")
        assert len(server.requests) == 2
        assert turn.memory.finishes == 2


async def test_an_order_for_a_deleted_generation_is_done(turn: Turn, work: Work):
    await work(slots=1)
    await turn.order("g_gone")
    assert (await turn.answer("count to 2")).outcome == "completed"


async def test_f30_a_worker_that_leaves_publishes_what_it_has_and_gives_the_answer_back(turn: Turn, work: Work):
    worker = await work(**SLOW)
    row = turn.memory.add("count to 300")
    await turn.order()
    await turn.said(5)
    await worker.aclose()
    assert (row.releases, row.end) == (1, None)
    said = folded(await turn.log())
    assert said.startswith("1, 2, 3, 4, 5")
    await work()
    await turn.order()
    end = await turn.ended(row)
    assert (end.outcome, end.epoch, row.epoch) == ("completed", 2, 2)
    assert folded(await turn.log()) == end.text
    assert end.text.endswith("299, 300")


async def test_f30_a_worker_that_leaves_while_memory_is_away_gives_the_order_back(turn: Turn, work: Work):
    worker = await work(**SLOW)
    row = turn.memory.add("count to 300")
    await turn.order()
    await turn.said(3)
    turn.memory.away = True
    await worker.aclose()
    turn.memory.away = False
    await work()
    assert (await turn.ended(row)).epoch == 2


async def test_a_finished_text_waits_for_memory(turn: Turn, work: Work):
    await work()
    row = turn.memory.add("count to 3")
    attempts = 0

    async def away():
        nonlocal attempts
        attempts += 1
        turn.memory.away = attempts < 4

    turn.memory.before_finish = away
    await turn.order()
    assert (await turn.ended(row)).text == "1, 2, 3"
    assert (attempts, row.epoch) == (4, 1)


async def test_an_order_taken_while_memory_is_away_uses_up_no_delivery(turn: Turn, work: Work):
    turn.memory.away = True
    await work()
    row = turn.memory.add("count to 3")
    await turn.order()
    async with asyncio.timeout(10):
        while turn.memory.claims < 6:
            await asyncio.sleep(0.01)
    turn.memory.away = False
    assert ((await turn.ended(row)).outcome, row.epoch) == ("completed", 1)


async def test_slots_bound_how_many_answers_run_at_a_time(turn: Turn, work: Work):
    async with fake.upstream(fake.hangs) as server:
        await work(**configured(server.url, slots=2, first_token_seconds=0.3))
        rows = [turn.memory.add("hi", generation=f"g_{number}") for number in range(3)]
        for number in range(3):
            await turn.order(f"g_{number}")
        await turn.ended(rows[0])
        assert len(server.requests) == 2
        await turn.ended(rows[2])
        assert len(server.requests) == 3
