"""An erased account is gone: every row of every table, every byte of the file, whatever happens in between."""

import asyncio
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import inspect, text
from support.rows import fill, of_users

from memory.adapters.remembered_post import RememberedPost
from memory.adapters.sqlite_file import path_of
from memory.departing import Departures
from memory.records import erasing
from shared.contract.account import EraseAccount
from shared.contract.journal import JournalPage, StepCompleted, WorkflowCreated
from shared.contract.memory import CREATE_CONVERSATION, RENEW_LEASE, CreateConversation, RenewLease
from shared.contract.state import GET_STATE, GetState
from shared.contract.subjects import cargo, journal, token_log, workflow_event
from shared.contract.workflow import OPERATOR
from shared.errors import BeingErased, Busy, LostLease, Unavailable

CANARY = "canary-8f1b2c"
SEARCH = {"search_queue"}
"""Filled and emptied in the background."""


async def erase(desk, user="ana"):
    return (await Departures(desk.ledger, desk.post).erase(EraseAccount(user=user))).counts


async def tables_with(desk, user):
    """Names of the tables of the real database, in whatever migration they were made, that have a row of this user."""

    def look(connection):
        found = set()
        for table in inspect(connection).get_table_names():
            names = [column["name"] for column in inspect(connection).get_columns(table)]
            column = "user_id" if "user_id" in names else "id" if table == "users" else None
            if column and connection.execute(text(f"SELECT 1 FROM {table} WHERE {column} = :user"), {"user": user}).first():
                found.add(table)
        return found

    return await desk.store.read(look)


def files_with(desk, word=CANARY):
    folder = path_of(desk.settings.database_url).parent
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes())


async def test_s16_no_table_that_has_a_users_rows_is_forgotten(desk):
    await desk.store.write(lambda connection: fill(connection, "ana", CANARY))
    await desk.store.write(lambda connection: fill(connection, "bob", "pear"))
    filled = {table.name for table in of_users()} - SEARCH
    assert filled <= await tables_with(desk, "ana")
    await desk.store.write(lambda connection: connection.exec_driver_sql("DELETE FROM outbox"))
    await erase(desk)
    assert await tables_with(desk, "ana") == set()
    assert filled - {"outbox"} <= await tables_with(desk, "bob")


async def test_s16_every_table_with_a_users_rows_is_emptied_or_handled_by_name(desk):
    def real(connection):
        tables = inspect(connection).get_table_names()
        return {name for name in tables if any(c["name"] == "user_id" for c in inspect(connection).get_columns(name))}

    assert await desk.store.read(real) <= {table.name for table in erasing.owned_tables()} | erasing.ELSEWHERE


@pytest.mark.sqlite
async def test_s16_the_words_of_an_erased_user_are_in_no_file_of_the_database(desk):
    for _ in range(5):
        accepted = await desk.send(f"{CANARY} " * 500, client_message_id=None)
        await desk.answer(accepted.generation_id, f"{CANARY} " * 2000)
    await desk.store.write(lambda connection: fill(connection, "zoe", CANARY, count=40))
    await desk.send("something else", user="bob")
    await desk.until_sent()
    await desk.store.write(lambda connection: connection.exec_driver_sql("DELETE FROM outbox"))
    assert files_with(desk)
    await erase(desk)
    await erase(desk, "zoe")
    assert files_with(desk) == []
    assert await desk.rows("SELECT text FROM messages WHERE role = 'user'") == [("something else",)]
    assert await desk.rows("PRAGMA integrity_check") == [("ok",)]


async def test_s16_what_was_said_is_taken_from_the_streams_after_the_last_event_is_on_them(desk):
    accepted = await desk.send(CANARY)
    await desk.answer(accepted.generation_id, CANARY)
    await desk.send("other", user="bob")
    counts = await erase(desk)
    assert counts["messages"] == 2
    assert counts["streams"] >= 3
    assert desk.post.stored
    assert all(".bob" in posted.subject for posted in desk.post.stored)


async def work_of(desk, owner, workflow_id, params):
    """A workflow that has come to a text, with everything that is kept of it."""
    about = {"user": owner, "workflow_id": workflow_id, "type": "group_summary", "created_at": desk.clock.now()}
    created = WorkflowCreated(at=desk.clock.now(), version=1, params=params)
    said = StepCompleted(at=desk.clock.now(), step="sum up", attempts=1, started_at=desk.clock.now(), output=CANARY)
    for number, (status, line) in enumerate((("queued", created), ("running", said))):
        page = JournalPage(**about, id=f"e_{workflow_id}{number}", status=status, lines=[line])
        await desk.post.store(journal(owner, workflow_id), page.encode(), msg_id=page.id)
    await desk.post.store(cargo(owner, workflow_id, "long"), CANARY.encode(), msg_id=f"cargo-{workflow_id}")
    await desk.post.store(workflow_event(owner, workflow_id), CANARY.encode(), msg_id=f"event-{workflow_id}")


async def test_s16_work_of_the_operator_over_several_people_goes_with_each_of_them(desk):
    await work_of(desk, OPERATOR, "w-both", {"users": ["bob", "ana"]})
    await work_of(desk, OPERATOR, "w-bob", {"users": ["bob"]})
    await work_of(desk, OPERATOR, "w-odd", "ana")
    await work_of(desk, "bob", "w-own", {"users": ["ana"]})
    counts = await erase(desk)
    left = {posted.subject for posted in desk.post.stored if CANARY.encode() in posted.data}
    assert counts["streams"] == 4
    assert not [subject for subject in left if "w-both" in subject]
    assert len(left) == 9


async def test_s16_an_answer_under_way_is_stopped_and_what_its_worker_writes_late_is_erased_too(desk):
    accepted = await desk.send(CANARY)
    claim = await desk.claim(accepted.generation_id)
    eraser = Departures(desk.ledger, desk.post)
    await eraser.erase(EraseAccount(user="ana"))
    assert [stop.generation_id for _, stop in desk.post.told] == [accepted.generation_id]
    with pytest.raises(LostLease):
        await desk.ask(RENEW_LEASE, RenewLease(generation_id=accepted.generation_id, epoch=claim.epoch))
    late = token_log("ana", accepted.conversation_id, accepted.generation_id)
    await desk.post.store(late, CANARY.encode(), type="llm.token")
    new = await desk.send("a new life")
    await desk.until_sent()
    await eraser.sweep()
    assert [posted.type for posted in desk.post.stored if posted.subject == late] == ["llm.token"], (
        "not before the lease is over"
    )
    desk.clock.pass_by(13)
    await eraser.sweep()
    assert not [posted for posted in desk.post.stored if posted.subject == late]
    assert [posted for posted in desk.post.stored if new.conversation_id in posted.subject]
    assert await desk.rows("SELECT * FROM departures") == []


async def test_s16_nothing_is_taken_while_an_account_is_being_erased(new_desk, monkeypatch):
    monkeypatch.setattr("memory.departing.SENT_SECONDS", 0.5)
    post = RememberedPost()
    async with new_desk(post=post) as desk:
        await desk.send(CANARY)
        await desk.until_sent()
        post.fault = Unavailable()
        with pytest.raises(Busy):
            await erase(desk)
        with pytest.raises(BeingErased):
            await desk.send("too early")
        with pytest.raises(BeingErased):
            await desk.ask(CREATE_CONVERSATION, CreateConversation(user="ana"))
        await desk.send("of somebody else", user="bob")


@pytest.mark.parametrize("steps", [0, 3, 12, 28])
async def test_s16_an_erasure_that_a_crash_cuts_off_is_finished_after_the_start(new_desk, steps):
    post = RememberedPost()
    async with new_desk(post=post) as desk:
        await desk.store.write(lambda connection: fill(connection, "ana", CANARY))
        await desk.store.write(lambda connection: connection.exec_driver_sql("DELETE FROM outbox"))
        write, clock = desk.ledger.write, desk.clock
        desk.ledger.write = dying(write, steps + 1)  # the first one is the promise
        with pytest.raises(asyncio.CancelledError):
            await erase(desk)
        desk.ledger.write = write
    clock.pass_by(31)
    async with new_desk(post=post, clock=clock) as desk:
        await Departures(desk.ledger, desk.post).sweep()
        assert await tables_with(desk, "ana") == set()


def dying(write, count):
    """After so many writes the process is gone."""
    left = iter(range(count))

    async def once(*question):
        if next(left, None) is None:
            raise asyncio.CancelledError
        return await write(*question)

    return once


async def test_s16_erasing_again_and_erasing_nobody_changes_nothing(desk):
    await desk.send(CANARY)
    await erase(desk)
    assert await erase(desk) == {}
    assert await erase(desk, "nobody") == {}
    assert await desk.rows("SELECT * FROM users") == []


async def test_s16_two_calls_at_the_same_time_do_it_once(desk):
    for _ in range(3):
        await desk.send(CANARY)
    outcomes = await asyncio.gather(erase(desk), erase(desk), return_exceptions=True)
    assert sorted(isinstance(outcome, BeingErased) for outcome in outcomes) == [False, True]
    assert await tables_with(desk, "ana") == set()


async def test_s16_who_comes_back_begins_above_every_version_that_an_erased_user_had(desk):
    for _ in range(5):
        await desk.send(CANARY)
    before = (await desk.ask(GET_STATE, GetState(user="ana"))).version
    await erase(desk)
    await desk.send("hello again")
    after = await desk.ask(GET_STATE, GetState(user="ana", since=str(before)))
    assert after.version > before
    assert [message.text for message in after.messages if message.role == "user"] == ["hello again"]
    assert after.since is None, "of what was removed before nothing is known: the answer is whole"


async def test_s16_the_outbox_is_waited_for_and_an_erasure_that_nats_keeps_waiting_goes_on_later(desk, monkeypatch):
    monkeypatch.setattr("memory.departing.SENT_SECONDS", 0.5)
    desk.post.fault = Unavailable()
    await desk.send(CANARY)
    with pytest.raises(Busy):
        await erase(desk)
    desk.post.fault = None
    desk.clock.pass_by(31)
    async with asyncio.timeout(30):
        while await desk.rows("SELECT 1 FROM outbox"):
            await asyncio.sleep(0.05)
    await Departures(desk.ledger, desk.post).sweep()
    assert await tables_with(desk, "ana") == set()
    assert desk.post.stored == []


async def test_s17_the_audit_of_an_erased_user_leaves_a_tombstone_without_the_name(desk):
    await desk.store.write(lambda connection: fill(connection, "ana", CANARY))
    await desk.store.write(lambda connection: connection.exec_driver_sql("DELETE FROM outbox"))
    await desk.store.write(lambda connection: connection.exec_driver_sql("UPDATE users SET audit_count = 3"))
    assert (await erase(desk))["audit"] == 3
    assert await desk.rows("SELECT rows FROM tombstones") == [(3,)]
    assert await tables_with(desk, "ana") == set()


@pytest.mark.sqlite
async def test_a_reader_that_stays_delays_the_settling_and_nobody_elses_write(desk):
    await desk.send(CANARY)
    await desk.until_sent()
    with closing(sqlite3.connect(path_of(desk.settings.database_url))) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM users").fetchall()
        settling = asyncio.ensure_future(desk.store.settle())
        for _ in range(5):
            await desk.send("goes on", user="bob")
        assert not settling.done()
        other.execute("ROLLBACK")
        await settling
