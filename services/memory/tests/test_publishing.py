"""What a transaction leaves behind reaches NATS: in order, once, whatever happens in between."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from memory.adapters.remembered_post import RememberedPost
from memory.adapters.sqlite_file import path_of
from memory.publisher import LAST_RETRY_SECONDS
from shared.errors import Busy, StorageFull, TooLarge, Unavailable


async def until(condition):
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.01)


def versions(desk, user):
    token = f".{user}."
    return [
        event.version
        for event, posted in zip(desk.post.events(), (p for p in desk.post.stored if p.type), strict=True)
        if token in posted.subject
    ]


async def test_confirmed_letters_leave_the_outbox_together(desk):
    for _ in range(5):
        await desk.send()

    async def is_empty():
        return await desk.rows("SELECT count(*) FROM outbox") == [(0,)]

    await until(is_empty)
    assert len(desk.post.stored) == 5 * 5


class SlowPost(RememberedPost):
    """Takes each message after a pause of its own, to tempt later ones to overtake."""

    async def store(self, subject, data, *, type="", msg_id=None):  # noqa: A002
        await asyncio.sleep(0.0005 * (len(self.stored) % 3))
        return await super().store(subject, data, type=type, msg_id=msg_id)


async def test_each_users_transactions_are_stored_one_after_the_other(new_desk):
    async with new_desk(SlowPost()) as desk:
        users = [f"u{number}" for number in range(5)]
        await asyncio.gather(*(desk.send(str(n), user=user) for n in range(10) for user in users))
        await desk.until_sent()
        for user in users:
            assert versions(desk, user) == sorted(versions(desk, user))
            assert len(versions(desk, user)) == 40 + 10 - desk.settings.user_concurrency  # those in line are told their place


class RecordingPost(SlowPost):
    """Remembers in which order it was called."""

    def __init__(self):
        super().__init__()
        self.calls = []

    async def store(self, subject, data, *, type="", msg_id=None):  # noqa: A002
        self.calls.append((subject, type))
        return await super().store(subject, data, type=type, msg_id=msg_id)


async def test_an_order_is_sent_after_the_facts_of_its_transaction_so_no_answer_begins_before_they_are_told(new_desk):
    async with new_desk(RecordingPost()) as desk:
        await asyncio.gather(*(desk.send(str(n)) for n in range(10)))
        await desk.until_sent()
        subjects = [subject for subject, _ in desk.post.calls]
        orders = [index for index, subject in enumerate(subjects) if subject.startswith("job.")]
        for number, index in enumerate(orders, start=1):
            assert sum(subject.endswith(".state.version.event") for subject in subjects[:index]) >= number


async def test_f10_while_nats_is_away_messages_are_accepted_and_their_events_come_later_in_order(desk):
    desk.post.fault = Unavailable()
    for _ in range(3):
        await desk.send()
    assert desk.post.stored == []
    desk.post.fault = None
    async with asyncio.timeout(3 * LAST_RETRY_SECONDS + 5):
        await desk.until_sent()
    assert versions(desk, "ana") == [1] * 4 + [2] * 4 + [3] * 4
    assert len(desk.post.orders()) == 3


async def test_f13_events_that_a_full_stream_refuses_are_repeated(desk):
    desk.post.refused["message.created"] = StorageFull()
    await desk.send()
    desk.post.refused.clear()
    await desk.until_sent()
    assert sorted(event.type_name for event in desk.post.events()) == [
        "conversation.created",
        "message.created",
        "message.created",
        "state.updated",
    ]


async def test_what_was_not_sent_before_the_end_is_sent_after_the_next_start_before_anything_new(new_desk):
    post = RememberedPost()
    post.fault = Unavailable()
    async with new_desk(post) as before:
        first = await before.send("before the end")
    post.fault = None
    async with new_desk(post) as after:
        await after.send("after the start", conversation_id=first.conversation_id)
        await after.until_sent()
        assert versions(after, "ana") == [1] * 4 + [2] * 4
        assert after.post.orders() == [first.generation_id]


@pytest.mark.sqlite
async def test_what_was_sent_and_not_yet_forgotten_keeps_its_id_when_it_is_sent_again(new_desk, settings):
    path = path_of(settings.database_url)
    post = RememberedPost()
    async with new_desk(post) as before:
        await before.send()
        await before.until_sent()
        with closing(sqlite3.connect(path)) as other:
            kept = other.execute("SELECT * FROM outbox").fetchall()
    with closing(sqlite3.connect(path)) as other:
        marks = ", ".join("?" * len(kept[0]))
        other.executemany(f"INSERT OR REPLACE INTO outbox VALUES ({marks})", kept)
        other.commit()
    stored = list(post.stored)
    async with new_desk(post) as after:
        await after.until_sent()
    assert post.stored == stored


async def test_f27_a_poisoned_event_is_set_aside_and_blocks_nobody(new_desk):
    post = RememberedPost()
    post.refused["conversation.created"] = TooLarge()
    async with new_desk(post) as desk:
        accepted = await desk.send()
        await desk.answer(accepted.generation_id)
        await desk.until_sent()
        assert [event.type_name for event in post.events()][-2:] == ["message.completed", "state.updated"]

        async def is_aside():
            return await desk.rows("SELECT type, poison FROM outbox") == [("conversation.created", "too_large")]

        await until(is_aside)
    post.refused.clear()
    async with new_desk(post) as again:
        await again.until_sent()
    assert "conversation.created" not in [event.type_name for event in post.events()]


async def test_f45_writes_are_busy_while_too_many_events_wait(new_desk):
    async with new_desk(outbox_limit=8) as desk:
        desk.post.fault = Unavailable()
        await desk.send()
        await desk.send()
        with pytest.raises(Busy):
            await desk.send()
        desk.post.fault = None
        await desk.until_sent()
        await desk.send()


async def test_a_caller_that_gave_up_changes_nothing_about_what_is_sent(desk):
    sending = asyncio.ensure_future(desk.send())
    await asyncio.sleep(0)
    await asyncio.sleep(0.002)
    sending.cancel()
    await asyncio.wait([sending])
    await desk.store.write(lambda _: None)  # writes are done in order: after this one it is there, or never will be
    stored = await desk.rows("SELECT count(*) FROM events")
    await desk.until_sent()
    assert [(len(desk.post.events()),)] == stored
