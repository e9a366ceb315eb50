"""A turn from the worker's side: leases, fencing by epoch, one end for each answer."""

import pytest

from shared.contract.memory import (
    ABANDON_GENERATION,
    DELETE_CONVERSATION,
    RELEASE_GENERATION,
    RENEW_LEASE,
    STOP_GENERATION,
    AbandonGeneration,
    DeleteConversation,
    ReleaseGeneration,
    RenewLease,
    StopGeneration,
)
from shared.contract.objects import Problem, Usage
from shared.errors import LostLease

BROKEN = Problem(code="broken", message="It broke.")


def terminal(desk):
    return [
        event for event in desk.post.events() if event.type_name in ("message.completed", "message.failed", "message.cancelled")
    ]


async def renew(desk, generation_id, epoch):
    return await desk.ask(RENEW_LEASE, RenewLease(generation_id=generation_id, epoch=epoch))


async def release(desk, generation_id, epoch):
    return await desk.ask(RELEASE_GENERATION, ReleaseGeneration(generation_id=generation_id, epoch=epoch))


async def abandon(desk, generation_id):
    return await desk.ask(ABANDON_GENERATION, AbandonGeneration(generation_id=generation_id, error=BROKEN))


async def test_a_claim_carries_all_that_the_worker_needs(desk):
    accepted = await desk.send("hi", persona="Kaladin", language="de", model="m")
    claim = await desk.claim(accepted.generation_id)
    assert (claim.decision, claim.epoch, claim.lease_seconds, claim.stop) == ("run", 1, 6.0, False)
    assert (claim.user, claim.conversation_id, claim.answer_id) == ("ana", accepted.conversation_id, accepted.answer_id)
    assert (claim.persona, claim.language, claim.model) == ("kaladin", "de", "m")
    assert [(message.role, message.text) for message in claim.messages] == [("user", "hi")]


async def test_f28_while_a_lease_lives_another_worker_waits_and_after_it_fences_the_first_one_off(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id, "w1")
    desk.clock.pass_by(4)
    waiting = await desk.claim(accepted.generation_id, "w2")
    assert (waiting.decision, waiting.lease_seconds) == ("wait", 2.0)
    desk.clock.pass_by(2)
    assert (await desk.claim(accepted.generation_id, "w2")).epoch == 2
    for late in (
        renew(desk, accepted.generation_id, 1),
        desk.finish(accepted.generation_id, 1),
        release(desk, accepted.generation_id, 1),
    ):
        with pytest.raises(LostLease):
            await late
    await desk.finish(accepted.generation_id, 2, text="of the second")
    await desk.until_sent()
    assert [event.message.text for event in terminal(desk)] == ["of the second"]


async def test_a_renewed_lease_lasts_and_tells_of_a_stop(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    desk.clock.pass_by(5)
    assert not (await renew(desk, accepted.generation_id, 1)).stop
    desk.clock.pass_by(5)
    assert (await desk.claim(accepted.generation_id)).decision == "wait"
    await desk.ask(STOP_GENERATION, StopGeneration(user="ana", conversation_id=accepted.conversation_id))
    assert (await renew(desk, accepted.generation_id, 1)).stop


async def test_f33_a_clock_that_jumps_ends_no_lease(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    desk.clock.jump = 3600
    assert (await desk.claim(accepted.generation_id)).decision == "wait"
    desk.clock.jump = -3600
    desk.clock.pass_by(6)
    assert (await desk.claim(accepted.generation_id)).decision == "run"


async def test_f3_finishing_twice_is_answered_the_same_and_told_once(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    first = await desk.finish(accepted.generation_id, text="done")
    assert await desk.finish(accepted.generation_id, text="done") == first
    with pytest.raises(LostLease):
        await desk.finish(accepted.generation_id, outcome="failed")
    await desk.until_sent()
    assert len(terminal(desk)) == 1
    assert (await desk.claim(accepted.generation_id)).decision == "done"


async def test_a_completed_answer_is_told_whole(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    usage = Usage(prompt_tokens=1, completion_tokens=2, total_tokens=3)
    await desk.finish(accepted.generation_id, text="done", model="m", usage=usage, finish_reason="length", prompt_hash="p")
    await desk.until_sent()
    (event,) = terminal(desk)
    assert (event.model, event.usage, event.finish_reason, event.message_id) == ("m", usage, "length", accepted.answer_id)
    message = event.message
    assert (message.status, message.text, message.model, message.usage) == ("completed", "done", "m", usage)
    assert message.finish_reason == "length"


async def test_a_failed_answer_keeps_its_text_and_its_reason(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    await desk.finish(accepted.generation_id, outcome="failed", text="so far", error=BROKEN)
    await desk.until_sent()
    (event,) = terminal(desk)
    assert (event.error, event.text, event.message.error, event.message.text) == (BROKEN, "so far", BROKEN, "so far")
    assert event.message.finish_reason == "error"


async def test_what_failed_or_is_empty_is_no_part_of_the_next_prompt(desk):
    first = await desk.send("one")
    await desk.claim(first.generation_id)
    await desk.finish(first.generation_id, outcome="failed", text="half", error=BROKEN)
    second = await desk.send("two", conversation_id=first.conversation_id)
    await desk.claim(second.generation_id)
    await desk.finish(second.generation_id, outcome="cancelled", text="stopped here")
    third = await desk.send("three", conversation_id=first.conversation_id)
    claim = await desk.claim(third.generation_id)
    assert [message.text for message in claim.messages] == ["one", "two", "stopped here", "three"]


async def test_the_newest_messages_that_fit_the_budget_win(new_desk):
    async with new_desk(prompt_tokens=25) as desk:
        first = await desk.send("a" * 60)
        await desk.answer(first.generation_id, "b" * 60)
        second = await desk.send("c" * 30, conversation_id=first.conversation_id)
        claim = await desk.claim(second.generation_id)
        assert [message.text[0] for message in claim.messages] == ["b", "c"]


async def test_f34_a_message_that_is_larger_than_the_budget_is_cut_to_it(new_desk):
    async with new_desk(prompt_tokens=10) as desk:
        accepted = await desk.send("a" * 100)
        claim = await desk.claim(accepted.generation_id)
        assert [len(message.text) for message in claim.messages] == [40]


async def test_f20_a_later_answer_waits_for_an_earlier_one_even_if_it_was_ordered(desk):
    first = await desk.send()
    second = await desk.send(conversation_id=first.conversation_id)
    assert (await desk.claim(second.generation_id)).decision == "wait"
    await desk.claim(first.generation_id)
    assert (await desk.claim(second.generation_id)).decision == "wait"
    await desk.finish(first.generation_id)
    assert (await desk.claim(second.generation_id)).decision == "run"


async def test_f30_a_released_answer_is_ordered_again_and_run_at_once_by_another(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    assert (await release(desk, accepted.generation_id, 1)).status == "queued"
    assert (await release(desk, accepted.generation_id, 1)).status == "queued"
    await desk.until_sent()
    assert desk.post.orders() == [accepted.generation_id] * 2
    claim = await desk.claim(accepted.generation_id, "w2")
    assert (claim.decision, claim.epoch) == ("run", 2)


async def test_stopping_a_released_answer_leaves_its_text_to_a_worker_to_save(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    await release(desk, accepted.generation_id, 1)
    await desk.ask(STOP_GENERATION, StopGeneration(user="ana", conversation_id=accepted.conversation_id))
    claim = await desk.claim(accepted.generation_id, "w2")
    assert (claim.decision, claim.stop) == ("run", True)


async def test_f27_an_answer_that_nobody_can_give_ends_as_failed_and_lets_the_next_one_begin(desk):
    first = await desk.send()
    second = await desk.send(conversation_id=first.conversation_id)
    assert (await abandon(desk, first.generation_id)).status == "failed"
    assert (await abandon(desk, first.generation_id)).status == "failed"
    await desk.until_sent()
    assert [event.error for event in terminal(desk)] == [BROKEN]
    assert desk.post.orders() == [first.generation_id, second.generation_id]


async def test_an_answer_that_still_streams_is_not_ended_by_a_doubled_order_that_was_given_up(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    assert (await abandon(desk, accepted.generation_id)).status == "running"
    await desk.sweep()
    await desk.finish(accepted.generation_id, text="still here")
    await desk.until_sent()
    assert [event.message.text for event in terminal(desk)] == ["still here"]


async def test_an_answer_that_was_given_up_while_its_worker_died_is_ended_by_another_which_can_save_its_text(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    await abandon(desk, accepted.generation_id)
    desk.clock.pass_by(7)
    await desk.sweep()
    await desk.until_sent()
    assert desk.post.orders() == [accepted.generation_id] * 2
    claim = await desk.claim(accepted.generation_id, "w2")
    assert (claim.decision, claim.stop, claim.problem, claim.epoch) == ("run", True, BROKEN, 2)
    await desk.finish(accepted.generation_id, 2, "failed", text="as far as it came", error=claim.problem)
    await desk.until_sent()
    assert [(event.error, event.text) for event in terminal(desk)] == [(BROKEN, "as far as it came")]


async def test_an_answer_that_is_given_up_when_nobody_holds_it_is_ordered_at_once_to_save_its_text_but_once(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    desk.clock.pass_by(7)
    assert (await abandon(desk, accepted.generation_id)).status == "running"
    await desk.until_sent()
    assert desk.post.orders() == [accepted.generation_id] * 2
    assert (await abandon(desk, accepted.generation_id)).status == "failed"


async def test_a_released_answer_goes_on_although_a_doubled_order_of_it_was_given_up(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    await abandon(desk, accepted.generation_id)
    await release(desk, accepted.generation_id, 1)
    claim = await desk.claim(accepted.generation_id, "w2")
    assert (claim.decision, claim.stop) == ("run", False)


async def test_a_worker_of_a_deleted_conversation_has_lost_its_lease(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    await desk.ask(DELETE_CONVERSATION, DeleteConversation(user="ana", conversation_id=accepted.conversation_id))
    for late in (
        renew(desk, accepted.generation_id, 1),
        desk.finish(accepted.generation_id),
        abandon(desk, accepted.generation_id),
    ):
        with pytest.raises(LostLease):
            await late
    assert (await desk.claim(accepted.generation_id)).decision == "done"


async def test_f11_after_a_restart_running_answers_keep_a_whole_lease(new_desk):
    async with new_desk() as before:
        accepted = await before.send()
        await before.claim(accepted.generation_id)
    async with new_desk() as after:  # its clock begins anew, as after a reboot
        assert (await after.claim(accepted.generation_id, "w2")).decision == "wait"
        await renew(after, accepted.generation_id, 1)
        after.clock.pass_by(6)
        assert (await after.claim(accepted.generation_id, "w2")).epoch == 2
