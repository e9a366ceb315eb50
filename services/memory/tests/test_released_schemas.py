"""A database that any released version has left behind opens with this one, and nothing of it is lost.

`schemas/0001.sql` is the dump of a database that the released code wrote: answers of every outcome, a branch, a temporary
conversation, one that waits, keys, sessions, and letters that NATS never took.
"""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from memory.adapters.sqlite_file import path_of
from memory.migrations import HEAD, REVISIONS
from shared.contract.account import EXPORT, Export
from shared.contract.knowledge import SEARCH, Search
from shared.contract.memory import LIST_CONVERSATIONS, LIST_MESSAGES, ListConversations, ListMessages
from shared.contract.state import GET_STATE, GetState

pytestmark = pytest.mark.sqlite
SCHEMAS = Path(__file__).parent / "schemas"
RELEASED = ["0001"]
"""Revisions that a release ended with. One more with each release that has one more: `sqlite3 colloquy.db .dump`."""


@pytest.fixture(params=RELEASED)
def old(request, settings):
    """A database of that version, where this one will look for its own; what its tables held."""
    path = path_of(settings.database_url)
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.executescript((SCHEMAS / f"{request.param}.sql").read_text())
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: columns_and_rows(database, name) for name in names if not name.startswith(("sqlite_", "alembic_"))}


def columns_and_rows(database, table):
    cursor = database.execute(f"SELECT * FROM {table}")
    columns = [column[0] for column in cursor.description]
    return columns, sorted(cursor.fetchall(), key=repr)


def test_every_released_schema_is_a_revision_that_there_is():
    assert set(RELEASED) <= set(REVISIONS)
    assert {path.stem for path in SCHEMAS.glob("*.sql")} == set(RELEASED)


async def test_every_row_of_an_old_database_is_there_as_it_was(old, new_desk, settings):
    async with new_desk() as desk:
        await desk.until_sent()
        assert await desk.rows("SELECT version_num FROM alembic_version") == [(HEAD,)]
        assert await desk.rows("PRAGMA integrity_check") == [("ok",)]
        assert await desk.rows("PRAGMA foreign_key_check") == []
        for name, (columns, rows) in old.items():
            if name not in ("outbox", "generations", "installation"):  # sent, and with fresh leases
                now = await desk.rows(f"SELECT {', '.join(columns)} FROM {name}")
                assert sorted(now, key=repr) == rows, name
        lasting = [column for column in old["generations"][0] if column not in ("lease_until", "ordered_at")]
        assert len(await desk.rows(f"SELECT {', '.join(lasting)} FROM generations")) == len(old["generations"][1])


async def test_what_an_old_database_had_not_sent_is_sent(old, new_desk):
    async with new_desk() as desk:
        await desk.until_sent()
        assert len(desk.post.stored) == len(old["outbox"][1]) == 5
        assert "never sent to NATS" in desk.post.events()[1].message.text


async def test_people_find_what_they_said_in_an_old_database_and_go_on(old, new_desk):
    async with new_desk() as desk:
        listed = (await desk.ask(LIST_CONVERSATIONS, ListConversations(user="ana"))).conversations
        assert [one.title for one in listed if one.title] != []
        texts = []
        for one in listed:
            page = await desk.ask(LIST_MESSAGES, ListMessages(user="ana", conversation_id=one.id, branch=False))
            texts += [message.text for message in page.messages]
        assert {"Paris. 🗼", "half an", "Madrid.", "I was", "And of Größenwahn? 日本語 👨‍👩‍👧"} <= set(texts)
        before = await desk.ask(GET_STATE, GetState(user="ana"))
        accepted = await desk.send("and today?", conversation_id=listed[-1].id)
        await desk.answer(accepted.generation_id, "goes on")
        after = await desk.ask(GET_STATE, GetState(user="ana", since=str(before.version)))
        assert {message.text for message in after.messages} == {"and today?", "goes on"}
        assert after.since in (None, before.version)


async def test_everything_of_an_old_database_is_exported(old, new_desk):
    async with new_desk() as desk:
        page = await desk.ask(EXPORT, Export(user="ana"))
        mine = [row for row in old["messages"][1] if "ana" in row]
        assert len([record for record in page.records if record["type"] == "message"]) == len(mine) == 8


async def test_n11_search_finds_what_was_said_before_there_was_a_search(old, new_desk):
    async with new_desk() as desk, asyncio.timeout(30):
        while not (hits := (await desk.ask(SEARCH, Search(user="ana", query="Paris"))).hits):
            await asyncio.sleep(0.05)
        assert "Paris" in hits[0].snippet
