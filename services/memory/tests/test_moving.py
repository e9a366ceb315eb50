"""From one database to another and back: everything arrives, once, however often it is interrupted."""

import asyncio
import sys

import pytest
from sqlalchemy import select

from memory import moving
from memory.adapters.remembered_post import RememberedPost
from memory.adapters.store import open_store
from memory.app import opened
from memory.clock import Clock
from memory.moving import HalfMoved, NotMoved
from memory.records.prepared import rows
from memory.settings import MemorySettings
from memory.tables import metadata
from memory.tools.migrate.app import migrate
from shared.errors import Refused

pytestmark = pytest.mark.sqlite


@pytest.fixture
def settings(settings):
    """Nobody waits in line here."""
    return settings.model_copy(update={"user_concurrency": 100})


@pytest.fixture
async def other_url(postgres_server):
    """An empty PostgreSQL database."""
    async with postgres_server.database() as url:
        yield url


async def everything(url):
    """Every row of every table, as SQLite would have it."""

    def read(connection):
        return {table.name: [tuple(row) for row in rows(connection, in_order(table), {})] for table in metadata.sorted_tables}

    async with open_store(MemorySettings(database_url=url, writers=1), "s", 1) as store:
        return await store.read(read)


def in_order(table):
    return select(table).order_by(*table.primary_key.columns)


async def fill(desk, count=25):
    desk.post.fault = None
    for number in range(count):
        accepted = await desk.send(
            f"text {number} \0 {chr(0x10FFFF)} {'é' * number}", user=f"u{number % 3}", client_message_id=str(number)
        )
        if number % 2:
            await desk.answer(accepted.generation_id)
    await desk.until_sent()


def quiet(*_):
    pass


async def test_everything_arrives_and_comes_back(new_desk, settings, other_url, tmp_path, monkeypatch):
    monkeypatch.setattr(moving, "AT_ONCE", 7)
    async with new_desk() as desk:
        await fill(desk)
    before = await everything(settings.database_url)
    counts = await migrate(settings.database_url, other_url, quiet)
    assert counts["messages"] == 50
    assert await everything(other_url) == before
    back = f"sqlite:///{tmp_path}/back.db"
    await migrate(other_url, back, quiet)
    assert await everything(back) == before


async def test_memory_goes_on_where_it_was(new_desk, settings, other_url):
    async with new_desk() as desk:
        await fill(desk)
        first = await desk.send("before", user="ana")
        database_id = desk.store.database_id
    await migrate(settings.database_url, other_url, quiet)
    async with new_desk(database_url=other_url) as desk:
        await desk.send("after", user="ana", conversation_id=first.conversation_id)
        assert desk.store.database_id == database_id
        assert (await desk.claim(first.generation_id)).decision == "run"
        assert await desk.rows("SELECT version FROM users WHERE id = 'ana'") == [(2,)]


class Cut(Exception):
    """The move is interrupted."""


async def test_a_move_that_was_interrupted_goes_on_and_memory_does_not_start_on_half_of_it(
    new_desk, settings, other_url, monkeypatch
):
    monkeypatch.setattr(moving, "AT_ONCE", 7)
    async with new_desk() as desk:
        await fill(desk)
    before = await everything(settings.database_url)
    seen = []

    def cut(table, done, total):
        seen.append((table, done))
        if table == "messages" and done >= 21:
            raise Cut

    with pytest.raises(Cut):
        await migrate(settings.database_url, other_url, cut)
    with pytest.raises(HalfMoved, match="migrate"):
        async with opened(settings.model_copy(update={"database_url": other_url}), RememberedPost(), Clock()):
            pass
    seen.clear()
    await migrate(settings.database_url, other_url, lambda *at: seen.append(at[:2]))
    assert ("messages", 21) in seen
    assert ("messages", 0) not in seen
    assert await everything(other_url) == before


async def test_a_database_with_something_in_it_is_not_moved_into(new_desk, settings, other_url):
    async with new_desk() as desk:
        await fill(desk, 3)
    async with new_desk(database_url=other_url) as desk:
        await fill(desk, 1)
    with pytest.raises(NotMoved, match="not empty"):
        await migrate(settings.database_url, other_url, quiet)


async def test_nothing_is_moved_while_memory_runs(new_desk, settings, other_url, tmp_path):
    async with new_desk() as desk:
        await fill(desk, 1)
        with pytest.raises(Refused, match="Another memory process"):
            await migrate(settings.database_url, other_url, quiet)
    async with new_desk(database_url=other_url) as desk:
        with pytest.raises(NotMoved, match="stop it first"):
            await migrate(other_url, f"sqlite:///{tmp_path}/back.db", quiet)


async def test_a_place_without_a_database_is_not_moved_from(settings, other_url, tmp_path):
    with pytest.raises(NotMoved, match="no database"):
        await migrate(f"sqlite:///{tmp_path}/typo.db", other_url, quiet)
    assert not (tmp_path / "typo.db").exists()


async def test_the_command_tells_how_far_it_is_and_no_password(new_desk, settings, other_url):
    async with new_desk() as desk:
        await fill(desk, 3)
    command = ("-m", "memory.tools.migrate", "--from", settings.database_url, "--to", other_url)
    running = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await running.communicate()
    assert running.returncode == 0
    assert b"messages: 6 of 6\n" in said
    assert b"canary-password" not in said
