"""The state since a version or a time; what fits into it; who is told what again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.since import Moment, parse_since, version_at
from shared.contract import state as calls
from shared.contract.memory import DELETE_CONVERSATION, UPDATE_CONVERSATION, DeleteConversation, UpdateConversation
from shared.contract.state import GET_STATE, GetState, Removed
from shared.contract.streams import MAX_MESSAGE_BYTES
from shared.errors import Invalid


async def state(desk, since=None, **more):
    return await desk.ask(GET_STATE, GetState(user="ana", since=None if since is None else str(since), **more))


async def change(desk, name, /, **fields):
    call = getattr(calls, name.upper())
    return await desk.ask(call, call.question(user="ana", **fields))


async def update(desk, conversation_id, **changes):
    question = UpdateConversation(user="ana", conversation_id=conversation_id, **changes)
    return await desk.ask(UPDATE_CONVERSATION, question)


async def test_since_a_version_there_is_just_the_change_and_what_was_removed(desk):
    kept, gone = [await change(desk, "create_task", title=title) for title in "ab"]
    await change(desk, "create_note", text="old")
    await change(desk, "change_preferences", preferences={"language": "de"})
    before = await state(desk)
    task = await change(desk, "complete_task", task_id=kept.id)
    await change(desk, "delete_task", task_id=gone.id)
    now = await state(desk, before.version)
    assert (now.since, now.version) == (before.version, before.version + 2)
    assert (now.tasks, now.removed) == ([task], Removed(tasks=[gone.id]))
    assert (now.notes, now.preferences, now.conversations, now.messages, now.plan) == ([], None, [], [], {})
    nothing = await state(desk, now.version)
    assert (nothing.since, nothing.tasks, nothing.removed) == (now.version, [], Removed())


async def test_since_a_time_there_is_what_changed_after_it(desk):
    old = await change(desk, "create_task", title="old")
    before = await state(desk)
    desk.clock.pass_by(60)
    new = await change(desk, "create_task", title="new")
    for since in (old.created_at, before.last_snapshot_ts, new.created_at - timedelta(microseconds=1)):
        found = await state(desk, since.isoformat())
        assert (found.since, [task.id for task in found.tasks]) == (before.version, [new.id])
    found = await state(desk, new.created_at.isoformat())
    assert (found.since, found.tasks) == (found.version, [])
    found = await state(desk, (old.created_at - timedelta(days=1)).isoformat())
    assert [task.id for task in found.tasks] == [new.id, old.id]


async def test_f33_nothing_is_missed_when_the_clock_was_set_back(desk):
    await change(desk, "create_task", title="first")
    before = await state(desk)
    desk.clock.jump = -3600
    later = [(await change(desk, "create_task", title=str(number))).id for number in range(3)]
    found = await state(desk, before.last_snapshot_ts.isoformat())
    assert {task.id for task in found.tasks} == set(later)
    desk.clock.jump = 3600
    await change(desk, "create_task", title="last")
    assert len((await state(desk, before.last_snapshot_ts.isoformat())).tasks) == 4


@pytest.mark.sqlite
async def test_the_state_is_whole_when_what_was_removed_is_forgotten_or_the_version_is_not_ours(desk):
    for number in range(3):
        await change(desk, "create_task", title=str(number))
    await desk.store.write(lambda c: c.exec_driver_sql("UPDATE users SET forgotten = 2"))
    await desk.store.write(lambda c: c.exec_driver_sql("DELETE FROM events WHERE version <= 2"))
    whole = [since for since in range(6) if (await state(desk, since)).since is None]
    assert whole == [0, 1, 4, 5]
    assert (await state(desk, "2026-01-01T00:00:00Z")).since is None
    assert (await state(desk, 10**17)).removed is None


async def test_more_changes_than_one_answer_holds_are_answered_with_the_whole(desk):
    accepted = await desk.send("0")
    for number in range(1, 4):
        await desk.answer(accepted.generation_id)
        accepted = await desk.send(str(number), conversation_id=accepted.conversation_id)
    assert (await state(desk, 1, limit=5)).since is None
    assert len((await state(desk, 1, limit=5)).messages) == 5
    found = await state(desk, 1, limit=8)
    assert (found.since, len(found.messages)) == (1, 7)


async def test_an_answer_is_shown_since_then_as_it_runs_and_as_it_ends(desk):
    accepted = await desk.send()
    since = (await state(desk)).version
    await desk.claim(accepted.generation_id)
    running = await state(desk, since)
    assert [message.status for message in running.messages] == ["streaming"]
    assert running.conversations[0].running_generation_id == accepted.generation_id
    await desk.finish(accepted.generation_id)
    ended = await state(desk, since)
    assert [message.status for message in ended.messages] == ["completed"]
    assert ended.conversations[0].running_generation_id is None
    nothing = await state(desk, ended.version)
    assert (nothing.messages, nothing.conversations) == ([], [])


async def test_a_conversation_that_becomes_temporary_is_removed_and_comes_back_with_its_messages(desk):
    accepted = await desk.send()
    await desk.answer(accepted.generation_id)
    since = (await state(desk)).version
    await update(desk, accepted.conversation_id, temporary=True)
    away = await state(desk, since)
    assert (away.removed.conversations, away.conversations, away.messages) == ([accepted.conversation_id], [], [])
    await update(desk, accepted.conversation_id, temporary=False)
    for back in (await state(desk, since), await state(desk, away.version)):
        assert [conversation.id for conversation in back.conversations] == [accepted.conversation_id]
        assert len(back.messages) == 2
    await desk.ask(DELETE_CONVERSATION, DeleteConversation(user="ana", conversation_id=accepted.conversation_id))
    assert (await state(desk, since)).removed.conversations[-1] == accepted.conversation_id


@pytest.mark.sqlite
async def test_f34_a_state_fits_into_one_message_whatever_somebody_keeps(new_desk):
    long = "\U0001f469" * 500
    async with new_desk() as desk:
        for number in range(40):
            await change(desk, "create_task", title=long, tags=["\U0001f469" * 64] * 32)
            await change(desk, "create_note", text="\U0001f469" * 100_000, title=long)
            await change(desk, "pin_memory", type="a", key=f"{number}", value="x" * 8000)
            await change(desk, "put_plan", date=f"2026-01-{number % 31 + 1:02}", todos=[long] * 5, notes=["\U0001f469" * 2000])
            at = desk.clock.now() + timedelta(days=number)
            await change(desk, "keep_event", title=long, start=at, end=at, description="\U0001f469" * 4_000 * (number % 4 + 1))
        for number in range(15):
            await change(desk, "keep_persona", name=f"{number}", system_prompt="x" * 8_000)
        await change(desk, "change_preferences", preferences={"a": "x" * 65_000})
        accepted = await desk.send("x" * 30_000)
        await desk.answer(accepted.generation_id, "\U0001f469" * 100_000)
        whole = await state(desk)
        assert MAX_MESSAGE_BYTES // 2 < len(whole.encode()) < MAX_MESSAGE_BYTES - 8192
        lists = (whole.tasks, whole.notes, whole.pinned_memories, whole.calendar, whole.plan, whole.personas)
        assert all(lists)
        assert (await state(desk, 1)).since is None


@pytest.mark.parametrize("since", ["", "-1", "yesterday", "2026-01-01", "2026-01-01T00:00:00", "1" * 19, "1.5", "٣", "\0"])
def test_since_is_a_version_or_a_time_with_its_offset(since):
    with pytest.raises(Invalid):
        parse_since(since)


def test_since_takes_times_of_every_offset():
    assert parse_since("2026-01-31T09:00:00+01:00") == parse_since("2026-01-31T08:00:00Z")
    assert parse_since("17") == 17


@given(st.lists(st.booleans(), max_size=40), st.sets(st.integers(1, 40)), st.integers(-1, 120))
def test_a_time_stands_for_a_version_before_all_later_changes(steps, gaps, at):
    moments = {}
    for version, step in enumerate(steps, start=1):
        moments[version] = moments.get(version - 1, 0) + (3 if step else 1)

    def log(version):
        return next(((one, moments[one]) for one in sorted(moments.keys() - gaps) if one >= version), None)

    found = version_at(Moment(at), range(1, len(steps) + 1), log)
    assert 0 <= found <= len(steps)
    assert all(version > found for version, moment in moments.items() if moment > at)
    if not gaps:
        assert all(version <= found for version, moment in moments.items() if moment <= at)
