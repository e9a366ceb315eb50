"""One user's answers beyond so many at a time wait, are told their place, and keep nobody else waiting."""

from memory import app
from memory.adapters.remembered_post import RememberedPost
from shared.contract.acting import KEEP_ROUND, SUSPEND_GENERATION, KeepRound, PlannedCall, SuspendGeneration
from shared.contract.memory import (
    DELETE_CONVERSATION,
    RELEASE_GENERATION,
    STOP_GENERATION,
    DeleteConversation,
    ReleaseGeneration,
    StopGeneration,
)
from shared.errors import Unavailable


async def orders(desk):
    await desk.until_sent()
    return desk.post.orders()


async def places(desk):
    await desk.until_sent()
    return [(event.generation_id, event.position) for event in desk.post.events() if event.type_name == "queue.position"]


async def sent(desk, count, **more):
    return [await desk.send(f"{number}", **more) for number in range(count)]


async def test_s13_the_answers_of_a_user_beyond_so_many_wait_and_are_ordered_one_by_one(desk):
    accepted = await sent(desk, 7)
    ids = [one.generation_id for one in accepted]
    assert [one.queue_position for one in accepted] == [0, 0, 0, 0, 1, 2, 3]
    assert await orders(desk) == ids[:4]
    assert await places(desk) == [(ids[4], 1), (ids[5], 2), (ids[6], 3)]
    assert (await desk.claim(ids[4])).decision == "done"
    await desk.answer(ids[2])
    assert await orders(desk) == ids[:5]
    assert (await places(desk))[3:] == [(ids[5], 1), (ids[6], 2)]
    assert (await desk.claim(ids[4])).decision == "run"


async def test_n15_who_sends_twenty_lets_the_answer_of_somebody_else_begin_before_the_fifth(desk):
    await sent(desk, 20)
    other = await desk.send("me too", user="ben")
    begun = []
    while True:  # one worker, which takes the orders as they come
        order = next((one for one in await orders(desk) if one not in begun), None)
        if order is None:
            break
        begun.append(order)
        await desk.answer(order)
    assert begun.index(other.generation_id) == 4
    assert len(begun) == 21


async def test_every_way_in_which_an_answer_can_end_or_wait_lets_the_next_one_in(new_desk):
    async with new_desk(user_concurrency=1) as desk:
        accepted = await sent(desk, 6)
        ids = [one.generation_id for one in accepted]
        await desk.claim(ids[0])
        await desk.finish(ids[0], outcome="failed")
        await desk.ask(STOP_GENERATION, StopGeneration(user="ana", conversation_id=accepted[1].conversation_id))
        await desk.ask(DELETE_CONVERSATION, DeleteConversation(user="ana", conversation_id=accepted[2].conversation_id))
        about = {"generation_id": ids[3], "user": "ana", "epoch": (await desk.claim(ids[3])).epoch}
        calls = [PlannedCall(id="c", name="x", arguments={}, policy="ask")]
        await desk.ask(KEEP_ROUND, KeepRound(**about, number=0, calls=calls))
        await desk.ask(SUSPEND_GENERATION, SuspendGeneration(**about))
        assert await orders(desk) == ids[:5]
        await desk.send("now", conversation_id=accepted[4].conversation_id, if_busy="interrupt")
        assert (await orders(desk))[5] in (ids[5], (await desk.rows("SELECT id FROM generations ORDER BY seq DESC"))[0][0])


async def test_a_stopped_answer_that_waits_its_turn_ends_at_once(new_desk):
    async with new_desk(user_concurrency=1) as desk:
        accepted = await sent(desk, 3)
        await desk.ask(STOP_GENERATION, StopGeneration(user="ana", conversation_id=accepted[1].conversation_id))
        assert await desk.rows("SELECT status FROM generations ORDER BY seq") == [("queued",), ("cancelled",), ("queued",)]
        await desk.answer(accepted[0].generation_id)
        assert await orders(desk) == [accepted[0].generation_id, accepted[2].generation_id]


async def test_the_next_of_a_conversation_waits_its_turn_among_the_others(new_desk):
    async with new_desk(user_concurrency=1) as desk:
        first = await desk.send("a")
        second = await desk.send("b", conversation_id=first.conversation_id)
        third = await desk.send("c")
        await desk.answer(first.generation_id)
        assert await orders(desk) == [first.generation_id, second.generation_id]
        await desk.answer(second.generation_id)
        assert (await orders(desk))[-1] == third.generation_id


async def test_what_waits_its_turn_is_not_ordered_by_a_sweep_and_a_released_answer_keeps_its_turn(new_desk):
    async with new_desk(user_concurrency=1) as desk:
        accepted = await sent(desk, 2)
        ids = [one.generation_id for one in accepted]
        await desk.claim(ids[0])
        await desk.ask(RELEASE_GENERATION, ReleaseGeneration(generation_id=ids[0], epoch=1))
        desk.clock.pass_by(10)
        await desk.sweep()
        assert await orders(desk) == [ids[0], ids[0]]
        assert (await desk.claim(ids[0])).epoch == 2


def end_quietly(connection):
    """Ends what runs without a word to those that wait, as a version does that knows of none."""
    connection.exec_driver_sql("UPDATE generations SET status = 'completed' WHERE epoch > 0")


async def test_an_answer_whose_turn_was_missed_is_ordered_by_the_next_sweep(new_desk):
    async with new_desk(user_concurrency=1) as desk:
        accepted = await sent(desk, 3)
        ids = [one.generation_id for one in accepted]
        await desk.claim(ids[0])

        await desk.store.write(end_quietly)
        await desk.sweep()
        await desk.sweep()
        assert await orders(desk) == ids[:2]
        assert (await places(desk))[-1] == (ids[2], 1)
        await desk.answer(ids[1])
        assert (await orders(desk))[-1] == ids[2]


async def test_what_waits_is_let_in_when_more_are_allowed_at_a_time(new_desk):
    async with new_desk(user_concurrency=1) as before:
        ids = [one.generation_id for one in await sent(before, 4)]
        await before.claim(ids[0])
        await before.until_sent()
    async with new_desk(user_concurrency=3) as after:
        await after.sweep()
        assert (await orders(after))[-2:] == ids[1:3]


async def test_f11_memory_that_dies_before_it_could_order_the_next_answer_orders_it_when_it_is_back(new_desk, monkeypatch):
    monkeypatch.setattr(app, "GRACE_SECONDS", 0.01)
    deaf = RememberedPost()
    deaf.refused[""] = Unavailable()  # Orders have no name.
    async with new_desk(user_concurrency=1, post=deaf) as dying:
        held = [one.generation_id for one in await sent(dying, 2)]
        talk = await dying.send("x", user="ben")
        behind = await dying.send("y", user="ben", conversation_id=talk.conversation_id)
        await dying.answer(held[0])
        await dying.answer(talk.generation_id)
    assert deaf.orders() == []
    async with new_desk(user_concurrency=1) as back:
        await back.sweep()
        await back.sweep()
        assert {held[1], behind.generation_id} <= set(await orders(back))
