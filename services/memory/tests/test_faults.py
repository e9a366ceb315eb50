"""What disks and databases do to memory: a clear refusal, never an empty new database, and recovery without hands."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager, closing
from pathlib import Path

import asyncpg
import pytest

from memory.adapters.sqlite_file import path_of
from shared.contract.memory import CHECK_HEALTH, LIST_CONVERSATIONS, CheckHealth, ListConversations
from shared.contract.state import GET_STATE, GetState
from shared.errors import Busy, StorageFull, Unavailable

PATIENCE_SECONDS = 30
TMPFS_BYTES = 24 * 1024 * 1024

HOLDER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""

AS_SOMEBODY = """
import asyncio, os, sys
from memory.adapters.sqlite_store import open_store
from memory.settings import MemorySettings
from shared.errors import Fault

async def main(url):
    async with open_store(MemorySettings(database_url=url), "s", 1) as store:
        await store.write(lambda c: c.exec_driver_sql("UPDATE installation SET created_at = created_at"))

asyncio.run(main(sys.argv[2]))  # what is imported late might be out of reach for somebody else
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    asyncio.run(main(sys.argv[1]))
except Fault as fault:
    print("refused:", fault.code, fault)
"""


@asynccontextmanager
async def locked_by_another_process(path):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    await process.stdout.readline()
    yield
    process.stdin.close()
    await process.wait()


async def until_it_works(desk, text):
    """Tries as a client does that was told to come back; nobody repairs anything meanwhile."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await desk.send(text, client_message_id=text)
            except Busy:
                await asyncio.sleep(0.05)


async def texts(desk, user="ana"):
    state = await desk.ask(GET_STATE, GetState(user=user, limit=500))
    return {message.text for message in state.messages if message.role == "user"}


@pytest.mark.sqlite
async def test_f39_another_process_that_locks_the_database_is_answered_with_come_back_and_then_all_goes_on(new_desk):
    async with new_desk(busy_timeout=1.0) as desk:
        await desk.send("before")
        async with locked_by_another_process(path_of(desk.settings.database_url)):
            outcomes = await asyncio.gather(*(desk.send(f"during {n}") for n in range(8)), return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {Unavailable}
            assert all(outcome.status == 503 and outcome.retry_after > 0 for outcome in outcomes)
            assert await texts(desk) == {"before"}, "reading goes on"
            with pytest.raises(Unavailable):
                await desk.ask(CHECK_HEALTH, CheckHealth())
        await until_it_works(desk, "after")
        await desk.ask(CHECK_HEALTH, CheckHealth())
        assert await texts(desk) == {"before", "after"}


@pytest.mark.postgresql
async def test_f39_a_table_that_somebody_locks_is_answered_with_come_back_and_then_all_goes_on(new_desk):
    async with new_desk(busy_timeout=1.0) as desk:
        await desk.send("before")
        other = await asyncpg.connect(desk.settings.database_url)
        try:
            async with other.transaction():
                await other.execute("LOCK TABLE messages IN EXCLUSIVE MODE")
                with pytest.raises(Busy):
                    await desk.send("during")
                assert await texts(desk) == {"before"}, "reading goes on"
        finally:
            await other.close()
        await until_it_works(desk, "after")
        assert await texts(desk) == {"before", "after"}


@pytest.fixture
def small_disk(tmp_path):
    """A disk with room for a few MiB; only an administrator can make one."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can't be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


async def send_until_refused(desk, kept):
    """Adds what was accepted to `kept`."""
    for number in range(200):
        text = f"{number} " + "x" * 30_000
        await desk.send(text)
        kept.add(text)


@pytest.mark.sqlite
async def test_f14_a_full_disk_is_507_loses_nothing_and_is_recovered_from_without_hands(new_desk, small_disk):
    async with new_desk(database_url=f"sqlite:///{small_disk}/colloquy.db", busy_timeout=1.0) as desk:
        kept = {"first"}
        await desk.send("first")
        filler = small_disk / "filler"
        filler.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 1024 * 1024))
        with pytest.raises(StorageFull) as full:
            await send_until_refused(desk, kept)
        assert full.value.status == 507
        listed = await desk.ask(LIST_CONVERSATIONS, ListConversations(user="ana", limit=500))
        assert len(listed.conversations) == len(kept), "reading goes on"
        filler.unlink()
        await until_it_works(desk, "after")
        await desk.ask(CHECK_HEALTH, CheckHealth())
        found = {text for (text,) in await desk.rows("SELECT text FROM messages WHERE role = 'user'")}
        assert found == kept | {"after"}
        assert await desk.rows("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.sqlite
async def test_f14_a_disk_that_is_full_at_the_start_is_reported_and_leaves_what_was_there(new_desk, small_disk):
    url = f"sqlite:///{small_disk}/colloquy.db"
    async with new_desk(database_url=url) as desk:
        await desk.send("kept")
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        while shutil.disk_usage(small_disk).free:
            file.write(b"x" * shutil.disk_usage(small_disk).free)
            file.flush()
    with pytest.raises((StorageFull, Unavailable)):
        async with new_desk(database_url=url) as desk:
            await desk.send("x" * 30_000)
    filler.unlink()
    async with new_desk(database_url=url) as desk:
        assert await texts(desk) == {"kept"}


@pytest.fixture
def public_folder():
    """A folder that another user of the machine can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="colloquy-faults-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.sqlite
@pytest.mark.parametrize("whole_folder", [False, True])
async def test_f41_a_database_that_can_only_be_read_is_refused_and_left_as_it_is(
    new_desk, public_folder, tmp_path, whole_folder
):
    path = public_folder / "colloquy.db"
    async with new_desk(database_url=f"sqlite:///{path}") as desk:
        await desk.send("kept")
    lock = public_folder / "colloquy.db.lock"
    lock.chmod(0o666)
    path.chmod(0o444)
    public_folder.chmod(0o555 if whole_folder else 0o777)
    before = path.read_bytes()
    command = [sys.executable, "-c", AS_SOMEBODY, f"sqlite:///{path}", f"sqlite:///{tmp_path}/own.db"]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = await process.communicate()
    assert b"refused: unavailable" in output, errors
    assert path.read_bytes() == before
    public_folder.chmod(0o755)
    path.chmod(0o644)
    async with new_desk(database_url=f"sqlite:///{path}") as desk:
        assert await texts(desk) == {"kept"}


@pytest.mark.sqlite
async def test_f41_an_older_backup_is_taken_for_what_it_is_and_devices_that_know_more_get_the_whole_state(new_desk, tmp_path):
    backup = tmp_path / "backup.db"
    async with new_desk() as desk:
        path = path_of(desk.settings.database_url)
        await desk.send("old")
        with closing(sqlite3.connect(path)) as database, closing(sqlite3.connect(backup)) as copy:
            database.backup(copy)
        for number in range(5):
            await desk.send(f"newer {number}")
        known = (await desk.ask(GET_STATE, GetState(user="ana"))).version
    backup.replace(path)
    async with new_desk() as desk:
        answer = await desk.ask(GET_STATE, GetState(user="ana", since=str(known)))
        assert answer.since is None, "the answer is whole"
        assert {message.text for message in answer.messages if message.role == "user"} == {"old"}
        await desk.send("goes on")
        assert await texts(desk) == {"old", "goes on"}
