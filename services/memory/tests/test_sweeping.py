"""What was lost is found, what has expired is forgotten, and nothing is done when nothing is due."""

from memory.generation import Age, order_lost
from shared.contract.memory import RELEASE_GENERATION, ReleaseGeneration


async def test_an_answer_that_nobody_began_is_ordered_again_ever_more_rarely(desk):
    accepted = await desk.send()
    orders = []
    for _ in range(40):
        desk.clock.pass_by(10)
        await desk.sweep()
        await desk.until_sent()
        orders.append(len(desk.post.orders()))
    assert orders[:4] == [1, 1, 1, 2]
    assert orders[-1] == 4  # after 40, 110 and 240 s: each patience is twice the one before
    assert set(desk.post.orders()) == {accepted.generation_id}


async def test_an_answer_that_waits_behind_another_is_not_ordered(desk):
    first = await desk.send()
    await desk.claim(first.generation_id)
    await desk.send(conversation_id=first.conversation_id)
    for _ in range(10):
        desk.clock.pass_by(5)
        await desk.claim(first.generation_id)
        await desk.sweep()
    await desk.until_sent()
    assert set(desk.post.orders()) == {first.generation_id}


async def test_f1_an_answer_whose_worker_died_with_its_order_is_ordered_again(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    desk.clock.pass_by(6 + 11)
    await desk.sweep()
    await desk.until_sent()
    assert len(desk.post.orders()) == 1
    desk.clock.pass_by(2)
    await desk.sweep()
    await desk.until_sent()
    assert len(desk.post.orders()) == 2


async def test_a_released_answer_has_a_whole_patience_again(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    desk.clock.pass_by(29)
    await desk.ask(RELEASE_GENERATION, ReleaseGeneration(generation_id=accepted.generation_id, epoch=1))
    desk.clock.pass_by(29)
    await desk.sweep()
    await desk.until_sent()
    assert len(desk.post.orders()) == 2


async def test_expired_keys_are_forgotten(desk):
    await desk.send(client_message_id="old")
    desk.clock.pass_by(24 * 3600 - 10)
    await desk.send(client_message_id="young")
    desk.clock.pass_by(11)
    await desk.sweep()
    assert await desk.rows("SELECT key FROM idempotency") == [("young",)]


async def test_a_sweep_with_nothing_to_do_writes_nothing(desk, monkeypatch):
    accepted = await desk.send(client_message_id="k")
    await desk.claim(accepted.generation_id)
    await desk.until_sent()
    writes = []
    monkeypatch.setattr(desk.ledger, "write", lambda *write: writes.append(write))
    await desk.sweep()
    assert writes == []


def test_a_running_answer_is_lost_only_when_its_lease_ended_long_ago():
    age = Age(status="running", first=True, lease_until=100, ordered_at=0, orders=0)
    assert not order_lost(age, 111, silence=12, patience=30)
    assert order_lost(age, 113, silence=12, patience=30)
    again = Age(status="running", first=True, lease_until=100, ordered_at=113, orders=1)
    assert not order_lost(again, 170, silence=12, patience=30)
    assert order_lost(again, 174, silence=12, patience=30)
