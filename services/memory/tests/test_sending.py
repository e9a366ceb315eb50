"""A turn from the user's side."""

import asyncio
import re

import pytest

from memory.message import shown
from shared.contract.memory import (
    CLEAR_HISTORY,
    EDIT_MESSAGE,
    GET_CONVERSATION,
    LIST_MESSAGES,
    REGENERATE,
    STOP_GENERATION,
    ClearHistory,
    EditMessage,
    GetConversation,
    ListMessages,
    Regenerate,
    StopGeneration,
)
from shared.contract.objects import Attachment, PromptMessage, Sampling
from shared.errors import (
    ConversationBusy,
    IdempotencyMismatch,
    Invalid,
    Stale,
    TooMany,
    UnknownConversation,
    UnknownGeneration,
    UnknownMessage,
)


def types(desk):
    return [event.type_name for event in desk.post.events()]


async def test_a_first_message_tells_in_order_of_its_conversation_itself_its_answer_and_the_state(desk):
    accepted = await desk.send("What is a lease?", client_message_id="k1")
    await desk.until_sent()
    assert types(desk) == ["conversation.created", "message.created", "message.created", "state.updated"]
    created, asked, answer, state = desk.post.events()
    assert created.conversation.title == "What is a lease?"
    assert (asked.message.id, asked.client_message_id) == (accepted.message_id, "k1")
    assert (answer.message.id, answer.message.status) == (accepted.answer_id, "pending")
    assert answer.message.parent_id == accepted.message_id
    assert state.changed == ["conversations", "messages"]
    assert {event.version for event in desk.post.events()} == {1}
    assert len({event.at for event in desk.post.events()}) == 1
    assert desk.post.orders() == [accepted.generation_id]


async def test_a_second_message_waits_behind_the_first_and_is_not_ordered_before_its_turn(desk):
    first = await desk.send()
    second = await desk.send("and more", conversation_id=first.conversation_id)
    third = await desk.send("and yet more", conversation_id=first.conversation_id)
    assert (second.queue_position, third.queue_position) == (1, 2)
    await desk.answer(first.generation_id)
    await desk.until_sent()
    assert desk.post.orders() == [first.generation_id, second.generation_id]
    places = [(e.generation_id, e.position) for e in desk.post.events() if e.type_name == "queue.position"]
    assert places == [(second.generation_id, 1), (third.generation_id, 2), (third.generation_id, 1)]


async def test_reject_refuses_a_message_while_an_answer_is_open_and_stores_nothing(desk):
    first = await desk.send()
    with pytest.raises(ConversationBusy):
        await desk.send(conversation_id=first.conversation_id, if_busy="reject")
    assert await desk.rows("SELECT count(*) FROM messages") == [(2,)]


async def test_interrupt_stops_the_running_answer_cancels_the_queued_ones_and_comes_next(desk):
    first = await desk.send()
    await desk.claim(first.generation_id)
    second = await desk.send(conversation_id=first.conversation_id)
    third = await desk.send("no, this", conversation_id=first.conversation_id, if_busy="interrupt")
    assert third.queue_position == 1
    assert (await desk.claim(second.generation_id)).decision == "done"
    await desk.finish(first.generation_id, outcome="cancelled", text="half")
    await desk.until_sent()
    assert desk.post.orders() == [first.generation_id, third.generation_id]
    assert [str(subject) for subject, _ in desk.post.told] == [f"control.stop.{first.generation_id}"]
    assert [e.generation_id for e in desk.post.events() if e.type_name == "message.cancelled"] == [
        second.generation_id,
        first.generation_id,
    ]


async def test_interrupt_of_an_answer_that_nobody_began_starts_at_once(desk):
    first = await desk.send()
    second = await desk.send(conversation_id=first.conversation_id, if_busy="interrupt")
    assert second.queue_position == 0
    await desk.until_sent()
    assert desk.post.orders() == [first.generation_id, second.generation_id]
    assert (await desk.claim(first.generation_id)).decision == "done"
    assert (await desk.claim(second.generation_id)).decision == "run"


# --- F4, F19: the same key ---------------------------------------------------------------------------------------------


async def test_f19_the_same_key_and_body_give_the_same_answer_and_store_nothing_more(desk):
    first = await desk.send(client_message_id="k")
    again = await desk.send(client_message_id="k")
    assert again == first.model_copy(update={"repeated": True})
    assert await desk.rows("SELECT count(*) FROM messages") == [(2,)]


async def test_f19_the_same_key_with_another_body_is_a_mismatch(desk):
    await desk.send("one", client_message_id="k")
    with pytest.raises(IdempotencyMismatch):
        await desk.send("two", client_message_id="k")


async def test_f19_the_same_key_at_the_same_time_is_accepted_once(desk):
    accepted = await asyncio.gather(*(desk.send(client_message_id="k") for _ in range(16)))
    assert len({a.message_id for a in accepted}) == 1
    assert [a.repeated for a in accepted].count(False) == 1


async def test_f19_the_same_key_after_a_restart_gives_the_same_answer(new_desk):
    async with new_desk() as before:
        first = await before.send(client_message_id="k")
    async with new_desk() as after:
        assert (await after.send(client_message_id="k")).message_id == first.message_id


async def test_f19_the_same_key_after_a_day_is_a_new_message_even_before_the_sweep(desk):
    first = await desk.send(client_message_id="k")
    desk.clock.pass_by(24 * 3600 + 1)
    assert (await desk.send(client_message_id="k")).message_id != first.message_id


async def test_f19_a_refused_request_does_not_use_up_its_key(desk):
    first = await desk.send()
    with pytest.raises(ConversationBusy):
        await desk.send(conversation_id=first.conversation_id, if_busy="reject", client_message_id="k")
    await desk.answer(first.generation_id)
    again = await desk.send(conversation_id=first.conversation_id, if_busy="reject", client_message_id="k")
    assert not again.repeated


async def test_s18_the_same_key_of_another_user_is_another_message(desk):
    mine = await desk.send(client_message_id="k")
    theirs = await desk.send(user="bob", client_message_id="k")
    assert mine.message_id != theirs.message_id


# --- lastSeen ------------------------------------------------------------------------------------------------------------


async def test_a_device_that_missed_a_message_is_shown_what_it_missed(desk):
    first = await desk.send("one")
    second = await desk.send("two, from the other device", conversation_id=first.conversation_id)
    with pytest.raises(Stale) as stale:
        await desk.send("three", conversation_id=first.conversation_id, last_seen=first.answer_id)
    missed = stale.value.details["messages"]
    assert [message["id"] for message in missed] == [second.message_id, second.answer_id]
    assert missed[0]["conversationId"] == first.conversation_id
    assert await desk.rows("SELECT count(*) FROM messages") == [(4,)]


async def test_an_answer_alone_makes_nobody_stale(desk):
    first = await desk.send("one")
    await desk.answer(first.generation_id)
    await desk.send("two", conversation_id=first.conversation_id, last_seen=first.message_id)


async def test_last_seen_of_another_conversation_is_unknown(desk):
    first, other = await desk.send(), await desk.send()
    with pytest.raises(UnknownMessage):
        await desk.send(conversation_id=first.conversation_id, last_seen=other.message_id)


# --- what belongs to others ----------------------------------------------------------------------------------------------


async def test_s4_what_belongs_to_others_does_not_exist(desk):
    mine = await desk.send()
    where = mine.conversation_id
    for call, question, fault in [
        (GET_CONVERSATION, GetConversation(user="eve", conversation_id=where), UnknownConversation),
        (LIST_MESSAGES, ListMessages(user="eve", conversation_id=where), UnknownConversation),
        (STOP_GENERATION, StopGeneration(user="eve", conversation_id=where), UnknownConversation),
        (REGENERATE, Regenerate(user="eve", conversation_id=where, message_id=mine.answer_id), UnknownConversation),
        (EDIT_MESSAGE, EditMessage(user="eve", message_id=mine.message_id, text="x"), UnknownMessage),
        (CLEAR_HISTORY, ClearHistory(user="eve", conversation_id=where), UnknownConversation),
    ]:
        with pytest.raises(fault):
            await desk.ask(call, question)
    with pytest.raises(UnknownConversation):
        await desk.send(user="eve", conversation_id=where)


async def test_a_generation_of_another_conversation_can_not_be_stopped_through_this_one(desk):
    one, other = await desk.send(), await desk.send()
    with pytest.raises(UnknownGeneration):
        await desk.ask(
            STOP_GENERATION,
            StopGeneration(user="ana", conversation_id=one.conversation_id, generation_id=other.generation_id),
        )


async def test_a_user_has_a_limited_number_of_open_answers(new_desk):
    async with new_desk(open_generations=2) as desk:
        first = await desk.send()
        await desk.send()
        with pytest.raises(TooMany):
            await desk.send()
        await desk.send(user="bob")
        await desk.answer(first.generation_id)
        await desk.send()


# --- F21: stop -----------------------------------------------------------------------------------------------------------


async def stop(desk, accepted):
    return await desk.ask(STOP_GENERATION, StopGeneration(user="ana", conversation_id=accepted.conversation_id))


async def test_f21_a_queued_answer_is_cancelled_at_once_and_stopping_twice_is_the_same(desk):
    accepted = await desk.send()
    assert (await stop(desk, accepted)).generation_ids == [accepted.generation_id]
    assert (await stop(desk, accepted)).generation_ids == []
    await desk.until_sent()
    assert types(desk).count("message.cancelled") == 1
    assert (await desk.claim(accepted.generation_id)).decision == "done"


async def test_f21_a_running_answer_is_ended_by_its_worker_who_hears_of_it(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    assert (await stop(desk, accepted)).generation_ids == [accepted.generation_id]
    await desk.until_sent()
    assert [message.generation_id for _, message in desk.post.told] == [accepted.generation_id]
    assert "message.cancelled" not in types(desk)
    await desk.finish(accepted.generation_id, outcome="cancelled", text="so far")
    await desk.until_sent()
    assert desk.post.events()[-2].text == "so far"


async def test_f21_a_worker_that_takes_over_a_stopped_answer_is_told_to_end_it(desk):
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    await stop(desk, accepted)
    desk.clock.pass_by(7)
    claim = await desk.claim(accepted.generation_id, "w2")
    assert (claim.decision, claim.stop, claim.epoch) == ("run", True, 2)


async def test_stopping_a_whole_queue_cancels_those_that_wait(desk):
    first = await desk.send()
    second = await desk.send(conversation_id=first.conversation_id)
    await desk.claim(first.generation_id)
    assert (await stop(desk, first)).generation_ids == [first.generation_id, second.generation_id]
    await desk.finish(first.generation_id, outcome="cancelled")
    await desk.until_sent()
    assert desk.post.orders() == [first.generation_id]


# --- branches ------------------------------------------------------------------------------------------------------------


async def texts(desk, accepted, **more):
    question = ListMessages(user="ana", conversation_id=accepted.conversation_id, **more)
    return [message.text for message in (await desk.ask(LIST_MESSAGES, question)).messages]


async def test_regenerating_puts_a_new_answer_beside_the_old_one(desk):
    first = await desk.send("question", sampling=Sampling(temperature=0.5), model="m1")
    await desk.answer(first.generation_id, "old")
    again = await desk.ask(
        REGENERATE, Regenerate(user="ana", conversation_id=first.conversation_id, message_id=first.answer_id)
    )
    assert again.message_id == first.message_id
    claim = await desk.claim(again.generation_id)
    assert (claim.model, claim.sampling.temperature) == ("m1", 0.5)
    assert [message.text for message in claim.messages] == ["question"]
    await desk.finish(again.generation_id, text="new")
    assert await texts(desk, first) == ["question", "new"]
    assert await texts(desk, first, branch=False) == ["question", "old", "new"]


async def test_editing_begins_a_new_branch_with_the_attachments_of_the_old_message(desk):
    attached = [Attachment(name="a.txt", text="content")]
    first = await desk.send("one")
    await desk.answer(first.generation_id, "1")
    second = await desk.send("two", conversation_id=first.conversation_id, attachments=attached)
    await desk.answer(second.generation_id, "2")
    edited = await desk.ask(EDIT_MESSAGE, EditMessage(user="ana", message_id=second.message_id, text="zwei"))
    claim = await desk.claim(edited.generation_id)
    *before, zwei = [message.text for message in claim.messages]
    assert before == ["one", "1"]
    assert re.fullmatch(r'zwei\n\n<data (\w{16}): attachment "a.txt">\ncontent\n</data \1>', zwei)
    assert claim.untrusted
    assert "no instruction to you" in claim.context
    await desk.finish(edited.generation_id, text="II")
    assert await texts(desk, first) == ["one", "1", "zwei", "II"]


async def test_only_user_messages_can_be_edited(desk):
    accepted = await desk.send()
    with pytest.raises(Invalid):
        await desk.ask(EDIT_MESSAGE, EditMessage(user="ana", message_id=accepted.answer_id, text="x"))


async def test_a_history_becomes_the_beginning_of_a_new_conversation(desk):
    history = [
        PromptMessage(role="system", text="Be kind."),
        PromptMessage(role="user", text="a"),
        PromptMessage(role="assistant", text="b"),
    ]
    accepted = await desk.send("c", history=history)
    claim = await desk.claim(accepted.generation_id)
    assert [(m.role, m.text) for m in claim.messages] == [*((m.role, m.text) for m in history), ("user", "c")]
    with pytest.raises(Invalid):
        await desk.send("d", conversation_id=accepted.conversation_id, history=history)


# --- F35: any text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["a\0b\0", "\u202eabc\u200b", "👩‍👩‍👧‍👦", "é e\u0301", "'; DROP TABLE messages;--", "\r\n\t", "\x7f\x01"]
)
async def test_f35_any_text_comes_back_exactly(desk, text):
    accepted = await desk.send(text, user="ana")
    await desk.answer(accepted.generation_id, text)
    await desk.until_sent()
    assert await texts(desk, accepted) == [text, text]
    assert desk.post.events()[-2].message.text == text


async def test_long_attachments_are_shown_cut_and_given_to_the_model_whole(desk):
    long = "x" * 20_000
    accepted = await desk.send("see", attachments=[Attachment(name="long.txt", text=long)])
    claim = await desk.claim(accepted.generation_id)
    assert f">\n{long}\n</data " in claim.messages[0].text
    page = await desk.ask(LIST_MESSAGES, ListMessages(user="ana", conversation_id=accepted.conversation_id))
    assert len(page.messages[0].attachments[0].text) == 8192
    assert shown(page.messages[0]) == page.messages[0]


async def test_f34_many_attachments_make_no_event_that_is_too_large_for_the_bus(desk):
    many = [Attachment(name=f"{number}.txt", text="x" * 20_000) for number in range(30)]
    await desk.send("see", attachments=many)
    await desk.until_sent()
    assert max(len(posted.data) for posted in desk.post.stored) < 100_000


async def test_f33_a_clock_that_is_set_back_changes_no_order(desk):
    first = await desk.send("one")
    await desk.answer(first.generation_id, "1")
    desk.clock.jump = -3600
    second = await desk.send("two", conversation_id=first.conversation_id)
    other = await desk.send("three")
    await desk.answer(second.generation_id, "2")
    assert await texts(desk, first) == ["one", "1", "two", "2"]
    rows = await desk.rows("SELECT id FROM conversations ORDER BY changed DESC")
    assert rows == [(other.conversation_id,), (first.conversation_id,)]
