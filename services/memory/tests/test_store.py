"""The store on a real file: group commit, cancellation, and everything that can happen to a disk."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import asynccontextmanager, closing

import pytest
from sqlalchemy.exc import IntegrityError

from memory.adapters.schema import DatabaseNewer
from memory.adapters.sqlite_file import DatabaseForeign, DatabaseGone, DatabaseInUse, path_of
from memory.adapters.sqlite_store import open_store
from shared.contract.memory import CHECK_HEALTH, CheckHealth
from shared.errors import Busy, Refused, StorageFull, Unavailable

pytestmark = pytest.mark.sqlite


@pytest.fixture
async def store(settings):
    async with open_store(settings, "s_test", 1) as opened:
        yield opened


@pytest.fixture
def path(settings):
    return path_of(settings.database_url)


def put(user, version=1):
    return lambda connection: connection.exec_driver_sql("INSERT INTO users (id, version) VALUES (?, ?)", (user, version))


def names(connection):
    return [row[0] for row in connection.exec_driver_sql("SELECT id FROM users ORDER BY id")]


@asynccontextmanager
async def held_back(store):
    """Keeps the writing thread busy, so that what is written meanwhile becomes one group."""
    go, busy = threading.Event(), threading.Event()

    def hold(_):
        busy.set()
        go.wait()

    holding = asyncio.ensure_future(store.write(hold))
    await asyncio.to_thread(busy.wait)
    yield go
    go.set()
    await holding


async def test_what_waits_at_the_same_time_shares_a_transaction_and_one_that_fails_undoes_only_itself(store):
    def fail(connection):
        put("undone")(connection)
        raise LookupError

    def transactions(connection):
        put("b")(connection)
        return connection.get_transaction()

    async with held_back(store) as go:
        writes = [asyncio.ensure_future(store.write(work)) for work in (put("a"), fail, transactions, transactions)]
        await asyncio.sleep(0)
        go.set()
        _, failed, transaction, twice = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(failed, LookupError)
    assert transaction is not None
    assert isinstance(twice, (sqlite3.IntegrityError, IntegrityError))
    assert await store.read(names) == ["a", "b"]


async def test_the_first_of_a_group_that_fails_undoes_only_itself_too(store):
    def fail(connection):
        put("undone")(connection)
        raise LookupError

    async with held_back(store) as go:
        writes = [asyncio.ensure_future(store.write(work)) for work in (fail, put("a"), fail, put("b"))]
        await asyncio.sleep(0)
        go.set()
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert [isinstance(outcome, LookupError) for outcome in outcomes] == [True, False, True, False]
    assert await store.read(names) == ["a", "b"]


async def test_then_is_called_in_the_order_of_commits_even_for_those_who_have_gone(store):
    order = []
    async with held_back(store) as go:
        first, second = (asyncio.ensure_future(store.write(lambda _, n=n: n, order.append)) for n in (1, 2))
        await asyncio.sleep(0)
        go.set()
        await second
    assert order == [1, 2]
    await first


async def test_f40_a_write_whose_caller_went_before_its_turn_is_left_out(store):
    kept = []
    async with held_back(store) as go:
        gone = asyncio.ensure_future(store.write(put("gone"), kept.append))
        stays = asyncio.ensure_future(store.write(put("stays"), kept.append))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        go.set()
        await stays
    assert await store.read(names) == ["stays"]
    assert len(kept) == 1


async def test_f40_a_write_that_is_cancelled_at_any_moment_is_whole_or_not_at_all(store):
    async def write(number):
        def both(connection):
            put(f"{number:03}-a")(connection)
            put(f"{number:03}-b")(connection)

        await store.write(both)

    for number in range(120):
        task = asyncio.ensure_future(write(number))
        for _ in range(number % 6):
            await asyncio.sleep(0)
        if number % 3:
            await asyncio.sleep(number % 7 / 4000)
        task.cancel()
        await asyncio.wait([task])
    await store.write(put("last"))
    found = await store.read(names)
    assert found.pop() == "last"
    assert [name[:3] for name in found[::2]] == [name[:3] for name in found[1::2]]


async def test_f40_reads_that_are_cancelled_leave_no_snapshot_open(store, path):
    for number in range(60):
        task = asyncio.ensure_future(store.read(names))
        await asyncio.sleep(number % 10 / 4000)
        task.cancel()
        await asyncio.wait([task])
    await store.write(put("a"))
    assert await store.read(names) == ["a"]
    with closing(sqlite3.connect(path)) as other:
        busy, _, _ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0


async def test_a_snapshot_does_not_see_what_is_written_while_it_is_read(store, path):
    def twice(connection):
        before = names(connection)
        with closing(sqlite3.connect(path)) as other:
            other.execute("INSERT INTO users (id, version) VALUES ('b', 1)")
            other.commit()
        return before, names(connection)

    await store.write(put("a"))
    assert await store.read(twice) == (["a"], ["a"])
    assert await store.read(names) == ["a", "b"]


async def test_one_write_more_than_may_wait_is_answered_with_busy(settings):
    limits = settings.model_copy(update={"write_queue": 2})
    async with open_store(limits, "s", 1) as store, held_back(store):
        waiting = asyncio.ensure_future(store.write(put("a")))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await store.write(put("b"))
    await waiting


async def test_readers_can_not_write(store):
    with pytest.raises(Unavailable):
        await store.read(put("a"))


ENDLESS = "WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up) SELECT count(*) FROM up"


async def test_a_read_that_takes_too_long_is_given_up_and_its_connection_reads_again(settings):
    hasty = settings.model_copy(update={"read_timeout": 0.2, "readers": 1})
    async with open_store(hasty, "s", 1) as store:
        with pytest.raises(Unavailable):
            await store.read(lambda connection: connection.exec_driver_sql(ENDLESS).scalar())
        async with asyncio.timeout(20):
            while (found := await if_free(store.read(names))) is None:
                await asyncio.sleep(0.01)
        assert found == []


async def if_free(reading):
    """What is read, or None while the connection is not free yet."""
    try:
        return await reading
    except Unavailable:
        return None


async def test_a_caller_who_has_gone_leaves_the_connection_to_others(settings):
    go, busy = threading.Event(), threading.Event()

    def hold(connection):
        busy.set()
        go.wait()
        return names(connection)

    async with open_store(settings.model_copy(update={"readers": 1}), "s", 1) as store:
        gone = asyncio.ensure_future(store.read(hold))
        await asyncio.to_thread(busy.wait)
        gone.cancel()
        go.set()
        assert await store.read(names) == []


async def test_reads_do_not_wait_for_each_other(settings):
    both = threading.Barrier(2, timeout=20)
    async with open_store(settings.model_copy(update={"readers": 2}), "s", 1) as store:
        await asyncio.gather(*(store.read(lambda _: both.wait()) for _ in range(2)))


# --- F14, F39, F41: disks and files --------------------------------------------------------------------------------------


async def test_f14_a_full_database_refuses_the_write_and_recovers_by_itself(desk):
    def limit(pages):
        return lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}").scalar()

    async def fill():
        for _ in range(100):
            await desk.send("x" * 30_000)

    pages = await desk.store.write(limit(1))
    with pytest.raises(StorageFull):
        await fill()
    assert isinstance(desk.store.fault, StorageFull)
    await desk.store.write(limit(pages + 1000))
    await desk.ask(CHECK_HEALTH, CheckHealth())
    await desk.send("x" * 30_000)
    assert await desk.rows("PRAGMA integrity_check") == [("ok",)]


async def test_f39_a_database_that_is_locked_for_long_is_unavailable_and_then_works_again(new_desk, path):
    async with new_desk(busy_timeout=0.1) as desk:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable):
                await desk.send()
            for _ in range(2):
                with pytest.raises(Unavailable):
                    await desk.ask(CHECK_HEALTH, CheckHealth())
                with pytest.raises(Unavailable):
                    await desk.sweep()
            other.execute("ROLLBACK")
        await desk.ask(CHECK_HEALTH, CheckHealth())
        await desk.send()


async def test_f41_a_database_file_that_vanishes_is_not_silently_made_anew(desk, path):
    await desk.send()
    away = path.rename(path.with_name("away.db"))
    with pytest.raises(Unavailable):
        await desk.send()
    assert not path.exists()
    away.rename(path)
    await desk.send()


async def test_f41_a_database_file_that_was_replaced_is_not_written_to(desk, path, tmp_path):
    await desk.send()
    (tmp_path / "copy.db").write_bytes(path.read_bytes())
    (tmp_path / "copy.db").rename(path)
    with pytest.raises(Unavailable):
        await desk.send()


async def test_f41_a_database_that_is_gone_at_the_start_is_reported(settings, path):
    async with open_store(settings, "s", 1):
        pass
    path.unlink()
    with pytest.raises(DatabaseGone, match=r"Restore it, or delete"):
        async with open_store(settings, "s", 1):
            pass
    assert not path.exists()


async def test_f41_a_database_that_became_readonly_is_unavailable_until_it_is_writable_again(desk):
    await desk.store.write(lambda connection: connection.exec_driver_sql("PRAGMA query_only = ON"))
    with pytest.raises(Unavailable):
        await desk.send()
    assert isinstance(desk.store.fault, Unavailable)
    await desk.store.write(lambda connection: connection.exec_driver_sql("PRAGMA query_only = OFF"))
    await desk.send()
    assert desk.store.fault is None


async def test_a_folder_that_can_not_be_made_is_unavailable_at_the_start(settings, path):
    path.with_name("file").write_text("in the way")
    limits = settings.model_copy(update={"database_url": f"sqlite:///{path.parent}/file/colloquy.db"})
    with pytest.raises(Unavailable, match="folder"):
        async with open_store(limits, "s", 1):
            pass


@pytest.mark.parametrize("content", [b"not a database at all" * 100, None])
async def test_f41_a_file_of_somebody_else_is_left_alone(settings, path, content):
    if content is None:
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE theirs (x)")
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises((DatabaseForeign, Unavailable)):
        async with open_store(settings, "s", 1):
            pass
    assert path.read_bytes() == before


async def test_a_database_of_a_newer_version_is_refused(settings, path):
    async with open_store(settings, "s", 1):
        pass
    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
        other.commit()
    with pytest.raises(DatabaseNewer, match="9999"):
        async with open_store(settings, "s", 1):
            pass


async def test_a_second_process_on_the_same_file_is_refused(store, settings):
    with pytest.raises(DatabaseInUse):
        async with open_store(settings, "s", 1):
            pass


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "postgresql://x/y"])
async def test_a_url_that_names_no_file_is_refused_with_a_sentence(settings, url):
    with pytest.raises(Refused, match="MEMORY_DATABASE_URL"):
        async with open_store(settings.model_copy(update={"database_url": url}), "s", 1):
            pass


async def test_the_database_keeps_its_identity(settings):
    async with open_store(settings, "first", 1) as store:
        assert store.database_id == "first"
    async with open_store(settings, "second", 2) as store:
        assert store.database_id == "first"


async def test_f15_every_commit_is_durable_and_the_file_alone_is_whole_after_the_end(settings, path):
    async with open_store(settings, "s", 1) as store:
        pragmas = [
            await store.write(lambda c, n=n: c.exec_driver_sql(f"PRAGMA {n}").scalar())
            for n in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        ]
        await store.write(put("a"))
    assert pragmas == ["wal", 2, 1, 1]
    assert not path.with_name(path.name + "-wal").exists()
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT id FROM users").fetchall() == [("a",)]


KILLED = """
import asyncio, os, sys
from memory.adapters.sqlite_store import open_store
from memory.settings import MemorySettings

async def main():
    async with open_store(MemorySettings(database_url=sys.argv[1]), "s", 1) as store:
        await store.write(lambda c: c.exec_driver_sql("INSERT INTO users (id, version) VALUES ('kept', 1)"))
        def half(c):
            c.exec_driver_sql("INSERT INTO users (id, version) VALUES ('half', 1)")
            print("now", flush=True)
            sys.stdin.read()
        await store.write(half)

asyncio.run(main())
"""


async def test_f6_kill_in_the_middle_of_a_transaction_keeps_what_was_committed_and_nothing_else(settings):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, settings.database_url, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    while (line := await process.stdout.readline()) and b"now" not in line:
        pass
    process.send_signal(signal.SIGKILL)
    await process.wait()
    async with open_store(settings, "s", 1) as store:
        assert await store.read(names) == ["kept"]
        await store.write(put("after"))
