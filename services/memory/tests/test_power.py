"""The plug is pulled while memory writes: what it had promised is there, and nothing is half there (F6, F15).

COLLOQUY_POWER_CYCLES says how often; 100 take some minutes.
"""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
from support.postgres import NoPostgres, postgres

CYCLES = int(os.environ.get("COLLOQUY_POWER_CYCLES", "10"))
SEED = random.randrange(1 << 32)
PATIENCE_SECONDS = 60.0
MOST_SECONDS = 0.3

MESSAGES, TASKS = "SELECT id FROM messages", "SELECT id FROM tasks"
HALF = {
    "a message whose answer has no generation": """SELECT count(*) FROM messages m WHERE role = 'assistant'
        AND NOT EXISTS (SELECT 1 FROM generations g WHERE g.answer_id = m.id)""",
    "an answer without its question": """SELECT count(*) FROM generations g
        WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = g.user_message_id)""",
    "a version without its events, or events without their version": """SELECT count(*) FROM users u
        WHERE version <> (SELECT count(DISTINCT e.version) FROM events e WHERE e.user_id = u.id)""",
    "a promise to repeat that names nothing": """SELECT count(*) FROM idempotency i
        WHERE route = 'create_task' AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.title = i.key)""",
}


class Writer:
    """Memory in a process of its own, and what it has promised."""

    def __init__(self, process, pipe, errors):
        self._process, self._pipe, self._errors = process, pipe, errors
        self.promised = {"message": set(), "task": set()}
        self.pid = 0

    def start(self):
        """A new one, which writes already when this returns."""
        self._process.stdin.write(b"go\n")
        self._process.stdin.flush()
        self.pid = 0
        self.until_promised(1)

    def until_promised(self, count):
        """Returns when it has promised so much more."""
        aim = count + sum(map(len, self.promised.values()))
        end = time.monotonic() + PATIENCE_SECONDS
        while not self.pid or sum(map(len, self.promised.values())) < aim:
            assert time.monotonic() < end, "memory writes nothing"
            self._read(self._pipe.readline())

    def kill(self):
        """Like a power cut, for the process."""
        os.kill(self.pid, signal.SIGKILL)
        while b"gone" not in (line := self._pipe.readline()):
            self._read(line)
        self.pid = 0

    def _read(self, line):
        kind, _, value = line.decode().strip().partition(" ")
        assert kind != "gone", f"memory has ended by itself: {self._errors.read_text()[-4000:]}"
        if kind == "pid":
            self.pid = int(value)
        elif value:
            self.promised[kind].add(value)


@contextmanager
def writer(url, folder):
    read, write = os.pipe()
    command = [sys.executable, "-m", "support.power_writer", url, str(write)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "tests")}
    errors = folder / "errors"
    with (
        errors.open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, pass_fds=[write]) as process,
        os.fdopen(read, "rb") as pipe,
    ):
        os.close(write)
        one = Writer(process, pipe, errors)
        try:
            yield one
        finally:
            if one.pid:
                os.kill(one.pid, signal.SIGKILL)
            process.kill()


def check(promised, query):
    assert promised["message"] <= set(query(MESSAGES)), f"promised, and lost; seed {SEED}"
    assert promised["task"] <= set(query(TASKS)), f"promised, and lost; seed {SEED}"
    found = {what: query(sql)[0] for what, sql in HALF.items()}
    assert found == dict.fromkeys(HALF, 0), f"half there; seed {SEED}"


def pause(chance):
    """A moment that no part of a transaction is safe from."""
    time.sleep(chance.random() * MOST_SECONDS)


@pytest.mark.sqlite
def test_f15_nothing_that_was_promised_is_lost_when_memory_is_killed_on_sqlite(tmp_path):
    path, copy = tmp_path / "colloquy.db", tmp_path / "copy"
    chance = random.Random(SEED)
    with writer(f"sqlite:///{path}", tmp_path) as memory:
        for _ in range(CYCLES):
            memory.start()
            pause(chance)
            memory.kill()
            copy.mkdir()
            for file in tmp_path.glob("colloquy.db*"):  # not the files themselves: recovering them is memory's own work
                shutil.copy(file, copy)
            with closing(sqlite3.connect(copy / path.name)) as database:
                check(memory.promised, lambda sql, d=database: [row[0] for row in d.execute(sql)])
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            shutil.rmtree(copy)


@pytest.fixture
def postgres_on_disk():
    """A PostgreSQL that waits for the disk."""
    with ExitStack() as running:
        try:
            server = running.enter_context(postgres(durable=True))
        except NoPostgres as reason:
            pytest.skip(str(reason))
        yield server


async def query_of(server):
    """What asks that server."""
    connection = await asyncpg.connect(server.url())
    try:
        names = [*HALF.values(), MESSAGES, TASKS]
        answers = {sql: [row[0] for row in await connection.fetch(sql)] for sql in names}
    finally:
        await connection.close()
    return answers.__getitem__


@pytest.mark.postgresql
async def test_f15_nothing_that_was_promised_is_lost_when_memory_is_killed_on_postgresql(postgres_on_disk, tmp_path):
    chance = random.Random(SEED)
    with writer(postgres_on_disk.url(), tmp_path) as memory:
        for _ in range(max(1, CYCLES // 2)):
            memory.start()
            pause(chance)
            memory.kill()
            check(memory.promised, await query_of(postgres_on_disk))


def crash(server):
    """All of its processes at once: one that is left holds the shared memory, and a new server refuses to start beside it."""
    family = psutil.Process(server._process.pid).children(recursive=True)
    server.stop(signal.SIGKILL)
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=PATIENCE_SECONDS)


@pytest.mark.postgresql
async def test_f15_nothing_that_was_promised_is_lost_when_postgresql_is_killed_and_memory_goes_on(postgres_on_disk, tmp_path):
    chance = random.Random(SEED)
    with writer(postgres_on_disk.url(), tmp_path) as memory:
        memory.start()
        for _ in range(max(1, CYCLES // 3)):
            pause(chance)
            crash(postgres_on_disk)
            postgres_on_disk.start()
            memory.until_promised(50)
        memory.kill()
        check(memory.promised, await query_of(postgres_on_disk))
