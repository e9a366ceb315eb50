"""What memory says to a PostgreSQL database that it can't use, and what it never says: the password (S14)."""

import asyncio
import os
import sys

import asyncpg
import pytest

from memory.adapters.postgres_address import DatabaseRefused
from memory.adapters.schema import DatabaseForeign, DatabaseNewer
from memory.adapters.store import open_store
from memory.settings import MemorySettings
from memory.tables import users
from shared.errors import Refused, Unavailable

PASSWORD = "canary-password"


@pytest.fixture
async def url(postgres_server):
    """An empty database."""
    async with postgres_server.database() as url:
        yield url


async def opening(url):
    async with open_store(MemorySettings(database_url=url, writers=1, readers=1), "s", 1) as store:
        return store.database_id


async def execute(url, sql):
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def test_three_replicas_that_start_at_once_make_one_schema(url):
    settings = MemorySettings(database_url=url, writers=1, readers=1)

    async def one(stamp):
        async with open_store(settings, stamp, 1) as store:
            await store.write(lambda connection: connection.execute(users.insert(), {"id": stamp, "version": 1}))
            return store.database_id

    assert len(set(await asyncio.gather(*(one(stamp) for stamp in "abc")))) == 1


async def test_a_database_keeps_its_identity(url):
    assert await opening(url) == await opening(url)


async def test_f41_a_database_of_somebody_else_is_left_alone(url):
    await execute(url, "CREATE TABLE theirs (x int)")
    with pytest.raises(DatabaseForeign, match="MEMORY_DATABASE_URL"):
        await opening(url)
    await execute(url, "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('theirs')")
    with pytest.raises(DatabaseForeign):
        await opening(url)
    await execute(url, "DROP TABLE theirs")


async def test_a_database_of_a_newer_version_is_refused(url):
    await opening(url)
    await execute(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseNewer, match="9999"):
        await opening(url)


async def test_a_database_that_is_not_there_is_refused_with_a_sentence(postgres_server):
    with pytest.raises(DatabaseRefused, match="create it first") as refused:
        await opening(postgres_server.url("nowhere"))
    assert PASSWORD not in str(refused.value)


async def test_a_user_who_may_not_make_tables_is_refused_with_a_sentence(postgres_server, url):
    role = f"r{os.urandom(4).hex()}"
    await postgres_server.execute(f"CREATE ROLE {role} LOGIN")
    with pytest.raises(DatabaseRefused, match="owner"):
        await opening(url.replace("//postgres:", f"//{role}:"))
    await postgres_server.execute(f"DROP ROLE {role}")


async def test_a_server_that_is_not_there_is_unavailable(unused_tcp_port):
    with pytest.raises(Unavailable):
        await opening(f"postgresql://u:{PASSWORD}@127.0.0.1:{unused_tcp_port}/d")


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{PASSWORD}@host",
        f"postgresql://u:{PASSWORD}@h:port/d",
        f"postgres:u:{PASSWORD}",
        f"mysql://u:{PASSWORD}@h/d",
    ],
)
async def test_an_address_that_is_none_is_refused_without_its_password(url):
    with pytest.raises(Refused, match="MEMORY_DATABASE_URL") as refused:
        await opening(url)
    assert PASSWORD not in str(refused.value)


def test_s14_settings_do_not_show_the_password():
    assert PASSWORD not in repr(MemorySettings(database_url=f"postgresql://u:{PASSWORD}@h/d"))


async def test_s14_a_process_that_loses_its_database_says_so_without_the_password(
    nats_server, postgres_server, unused_tcp_port
):
    for url in (postgres_server.url("nowhere"), f"postgresql://u:{PASSWORD}@127.0.0.1:{unused_tcp_port}/d?x={PASSWORD}"):
        environment = os.environ | {"NATS_URL": nats_server.url("memory"), "MEMORY_DATABASE_URL": url}
        pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.STDOUT}
        running = await asyncio.create_subprocess_exec(sys.executable, "-m", "memory", env=environment, **pipes)
        async with asyncio.timeout(60):
            said, _ = await running.communicate()
        assert running.returncode == 1
        assert b"service.failed" in said
        assert PASSWORD.encode() not in said
