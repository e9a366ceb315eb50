"""Conversations listed, changed, deleted; what readers are told; who is connected."""

from datetime import UTC, datetime

import pytest

from shared.contract.memory import (
    CLEAR_HISTORY,
    CREATE_CONVERSATION,
    DELETE_CONVERSATION,
    GET_CONVERSATION,
    LIST_CONVERSATIONS,
    LIST_MESSAGES,
    OPEN_STREAM,
    RECORD_PRESENCE,
    UPDATE_CONVERSATION,
    ClearHistory,
    CreateConversation,
    DeleteConversation,
    GetConversation,
    ListConversations,
    ListMessages,
    OpenStream,
    PresenceChange,
    RecordPresence,
    UpdateConversation,
)
from shared.contract.state import GET_STATE, GetState
from shared.errors import BadCursor, IdempotencyMismatch, UnknownConversation, UnknownMessage


async def state(desk, user="ana", **more):
    return await desk.ask(GET_STATE, GetState(user=user, **more))


async def create(desk, **more):
    return await desk.ask(CREATE_CONVERSATION, CreateConversation(user="ana", **more))


async def test_conversations_are_listed_last_changed_first_page_by_page_each_once(desk):
    made = [(await create(desk, title=str(number))).id for number in range(7)]
    await desk.send(conversation_id=made[2])
    seen, cursor = [], None
    while True:
        page = await desk.ask(LIST_CONVERSATIONS, ListConversations(user="ana", limit=3, cursor=cursor))
        seen += [conversation.id for conversation in page.conversations]
        if (cursor := page.next) is None:
            break
    assert seen == [made[2], *(made[number] for number in (6, 5, 4, 3, 1, 0))]


@pytest.mark.parametrize("cursor", ["", "x", "1", "1.", "1.a b", "-1.c_1", "1.c_1.", "99999999999999999999.c"])
async def test_a_cursor_that_is_not_ours_is_refused(desk, cursor):
    with pytest.raises(BadCursor):
        await desk.ask(LIST_CONVERSATIONS, ListConversations(user="ana", cursor=cursor))


async def test_the_same_client_id_makes_one_conversation(desk):
    assert await create(desk, title="a", client_id="k") == await create(desk, title="a", client_id="k")
    with pytest.raises(IdempotencyMismatch):
        await create(desk, title="b", client_id="k")


async def test_messages_are_paged_backwards_without_a_gap(desk):
    accepted = await desk.send("q0")
    await desk.answer(accepted.generation_id, "a0")
    for number in range(1, 4):
        more = await desk.send(f"q{number}", conversation_id=accepted.conversation_id)
        await desk.answer(more.generation_id, f"a{number}")
    for branch in (True, False):
        seen, before = [], None
        while True:
            question = ListMessages(user="ana", conversation_id=accepted.conversation_id, limit=3, before=before, branch=branch)
            page = await desk.ask(LIST_MESSAGES, question)
            seen = [message.text for message in page.messages] + seen
            if (before := page.next) is None:
                break
        assert seen == ["q0", "a0", "q1", "a1", "q2", "a2", "q3", "a3"]


async def test_f34_a_page_holds_no_more_than_one_answer_over_the_bus_can(new_desk):
    async with new_desk(page_bytes=50_000) as desk:
        accepted = await desk.send("x" * 30_000)
        await desk.answer(accepted.generation_id, "y" * 30_000)
        page = await desk.ask(LIST_MESSAGES, ListMessages(user="ana", conversation_id=accepted.conversation_id))
        assert ([message.text[0] for message in page.messages], page.next) == (["y"], accepted.answer_id)
        assert [message.text[0] for message in (await state(desk)).messages] == ["y"]


async def test_showing_another_branch_moves_the_head(desk):
    first = await desk.send("one")
    await desk.answer(first.generation_id)
    second = await desk.send("two", conversation_id=first.conversation_id)
    question = UpdateConversation(user="ana", conversation_id=first.conversation_id, head_id=first.answer_id, title="T")
    changed = await desk.ask(UPDATE_CONVERSATION, question)
    assert (changed.head_id, changed.title) == (first.answer_id, "T")
    page = await desk.ask(LIST_MESSAGES, ListMessages(user="ana", conversation_id=first.conversation_id))
    assert second.message_id not in [message.id for message in page.messages]
    other = await desk.send()
    with pytest.raises(UnknownMessage):
        await desk.ask(UPDATE_CONVERSATION, question.model_copy(update={"head_id": other.message_id}))


@pytest.mark.sqlite
async def test_s16_a_deleted_conversation_leaves_no_word_in_the_file(new_desk, tmp_path):
    async with new_desk() as desk:
        accepted = await desk.send("a-canary-question" * 500, client_message_id="k")
        await desk.answer(accepted.generation_id, "a-canary-answer" * 500)
        await desk.until_sent()
        await desk.ask(DELETE_CONVERSATION, DeleteConversation(user="ana", conversation_id=accepted.conversation_id))
        with pytest.raises(UnknownConversation):
            await desk.ask(GET_CONVERSATION, GetConversation(user="ana", conversation_id=accepted.conversation_id))
        assert await desk.rows("SELECT count(*) FROM messages") == [(0,)]
        assert await desk.rows("SELECT type FROM events WHERE conversation_id IS NOT NULL") == [("conversation.deleted",)]
    for file in tmp_path.iterdir():
        assert b"a-canary" not in file.read_bytes()


async def test_deleting_ends_open_answers_before_it_tells_that_the_conversation_is_gone(desk):
    first = await desk.send()
    await desk.claim(first.generation_id)
    await desk.send(conversation_id=first.conversation_id)
    await desk.ask(DELETE_CONVERSATION, DeleteConversation(user="ana", conversation_id=first.conversation_id))
    await desk.until_sent()
    types = [event.type_name for event in desk.post.events()]
    assert types[-4:] == ["message.cancelled", "message.cancelled", "conversation.deleted", "state.updated"]
    assert len(desk.post.orders()) == 1


async def test_clearing_deletes_everything_of_this_user_and_nothing_of_others(desk):
    for number in range(120):
        await create(desk, title=str(number), temporary=number % 2 == 0)
    theirs = await desk.send(user="bob")
    deleted = await desk.ask(CLEAR_HISTORY, ClearHistory(user="ana"))
    assert len(deleted.conversation_ids) == 120
    assert await desk.rows("SELECT id FROM conversations") == [(theirs.conversation_id,)]
    assert (await desk.ask(CLEAR_HISTORY, ClearHistory(user="ana"))).conversation_ids == []


async def test_a_temporary_conversation_is_in_no_list_and_is_forgotten_after_an_hour(desk):
    accepted = await desk.send(temporary=True)
    await desk.answer(accepted.generation_id)
    assert ((await state(desk)).messages, (await state(desk)).conversations) == ([], [])
    desk.clock.pass_by(3599)
    await desk.sweep()
    found = await desk.ask(GET_CONVERSATION, GetConversation(user="ana", conversation_id=accepted.conversation_id))
    assert found.temporary
    desk.clock.pass_by(2)
    await desk.sweep()
    with pytest.raises(UnknownConversation):
        await desk.ask(GET_CONVERSATION, GetConversation(user="ana", conversation_id=accepted.conversation_id))


async def test_a_temporary_conversation_with_an_open_answer_is_not_forgotten(desk):
    accepted = await desk.send(temporary=True)
    desk.clock.pass_by(4000)
    await desk.sweep()
    assert (await desk.claim(accepted.generation_id)).decision == "run"


async def test_the_state_shows_an_answer_as_streaming_while_it_is_made_and_in_between_two_workers(desk):
    accepted = await desk.send()

    async def shown():
        now = await state(desk)
        return now.messages[-1].status, now.conversations[0].running_generation_id

    assert await shown() == ("pending", None)
    await desk.claim(accepted.generation_id)
    assert await shown() == ("streaming", accepted.generation_id)
    desk.clock.pass_by(60)
    assert await shown() == ("streaming", accepted.generation_id)
    await desk.claim(accepted.generation_id)
    await desk.finish(accepted.generation_id, 2)
    assert await shown() == ("completed", None)


async def test_the_state_of_somebody_new_is_empty(desk):
    fresh = await state(desk, user="nobody")
    assert (fresh.version, fresh.messages, fresh.conversations, fresh.active_sessions) == (0, [], [], [])


async def test_a_reader_learns_what_runs_and_whether_its_answer_has_ended(desk):
    accepted = await desk.send()

    async def opening(until):
        question = OpenStream(user="ana", conversation_id=accepted.conversation_id, until=until)
        found = await desk.ask(OPEN_STREAM, question)
        return found.running_generation_id, found.until_ended

    assert await opening(accepted.message_id) == (None, False)
    await desk.claim(accepted.generation_id)
    assert await opening(accepted.answer_id) == (accepted.generation_id, False)
    await desk.finish(accepted.generation_id)
    assert [await opening(until) for until in (accepted.message_id, accepted.answer_id, None)] == [
        (None, True),
        (None, True),
        (None, False),
    ]
    with pytest.raises(UnknownMessage):
        await opening("m_unknown")


async def test_a_reader_of_everything_learns_whether_an_answer_has_ended(desk):
    accepted = await desk.send()

    async def ended(until, user="ana"):
        found = await desk.ask(OPEN_STREAM, OpenStream(user=user, until=until))
        assert found.running_generation_id is None
        return found.until_ended

    assert not await ended(accepted.message_id)
    await desk.claim(accepted.generation_id)
    assert not await ended(accepted.answer_id)
    await desk.finish(accepted.generation_id)
    assert [await ended(until) for until in (accepted.message_id, accepted.answer_id, None)] == [True, True, False]
    for user, until in (("ana", "m_unknown"), ("bob", accepted.answer_id)):
        with pytest.raises(UnknownMessage):
            await ended(until, user)


async def test_sessions_are_active_while_their_gateway_reports(desk):
    at = datetime(2026, 1, 1, tzinfo=UTC)

    async def report(*changes):
        await desk.ask(RECORD_PRESENCE, RecordPresence(gateway="g1", changes=list(changes)))

    def change(session, *, active):
        return PresenceChange(user="ana", session_id=session, device="phone", connected_at=at, active=active)

    async def active():
        return [session.session_id for session in (await state(desk)).active_sessions]

    await report(change("s1", active=True), change("s2", active=True))
    await report(change("s2", active=False))
    assert await active() == ["s1"]
    desk.clock.pass_by(29)
    await report()
    desk.clock.pass_by(29)
    assert await active() == ["s1"]
    desk.clock.pass_by(2)
    assert await active() == []
    desk.clock.pass_by(600)
    await desk.sweep()
    assert await desk.rows("SELECT count(*) FROM sessions") == [(0,)]
