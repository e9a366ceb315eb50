"""Programs are kept running, and end when they are told to, or with whoever keeps them."""

import asyncio
import os
import signal
import sys

import psutil
import pytest

from colloquy.data_folder import DataFolder
from colloquy.errors import Failed, first_of
from colloquy.keeper import Household, Pauses
from colloquy.process import Process, Program

SLEEP = "import time; time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {SLEEP}"


@pytest.fixture
def folder(tmp_path):
    folder = DataFolder(tmp_path)
    folder.prepare()
    return folder


@pytest.fixture
def said():
    return []


@pytest.fixture
async def household(folder, said):
    return Household(folder, said.append)


def python(name, code):
    return Program(name, (sys.executable, "-c", code), dict(os.environ))


async def lines(household, said, count):
    async with asyncio.timeout(20):
        while len(said) < count:
            await asyncio.sleep(0.01)


def test_pauses_double_to_ten_seconds_and_are_forgiven_after_a_minute():
    pauses = Pauses()
    assert [pauses.after(0) for _ in range(9)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]
    assert [pauses.after(60), pauses.after(59)] == [0.1, 0.2]


async def test_what_ends_is_started_again_and_told_in_one_line_each(household, said):
    household.started = True
    async with household.keep([python("sleeper-1", "raise SystemExit(3)")], grace=1):
        await lines(household, said, 2)
    assert said[:2] == [
        "sleeper-1 ended with status 3; starting it again in 0.1 s.",
        "sleeper-1 ended with status 3; starting it again in 0.2 s.",
    ]


async def test_what_gives_up_during_the_start_fails_the_start_with_its_last_words(household):
    program = python("sleeper-1", "import sys; sys.exit('first\\nno cheese')")
    with pytest.raises(ExceptionGroup) as caught:
        async with household.keep([program], grace=1), household.nobody_falls():
            await asyncio.Event().wait()
    failure = first_of(caught.value.split(Failed)[0])
    assert str(failure).startswith("sleeper-1 could not be started: no cheese")


async def test_a_program_that_does_not_exist_is_a_failed_start_not_a_crash(household):
    program = Program("sleeper-1", ("/no/such/program",), {})
    with pytest.raises(ExceptionGroup):
        async with household.keep([program], grace=1), household.nobody_falls():
            await asyncio.Event().wait()


async def test_what_does_not_listen_to_sigterm_is_killed_after_its_grace(household, folder):
    async with household.keep([python("sleeper-1", DEAF)], grace=0.2):
        process = await started(folder, "sleeper-1")
        async with asyncio.timeout(10):
            while "deaf" not in folder.log("sleeper-1").read_text():
                await asyncio.sleep(0.01)
    assert not process.is_running()
    assert not folder.pid("sleeper-1").exists()


async def test_a_program_dies_with_its_starter_whatever_killed_that(folder, tmp_path):
    code = f"""
import asyncio, sys
from pathlib import Path
from colloquy.data_folder import DataFolder
from colloquy.process import Process, Program
async def main():
    program = Program("sleeper-1", (sys.executable, "-c", {SLEEP!r}), {{}})
    await (await Process.start(program, DataFolder(Path({str(tmp_path)!r})))).ended()
asyncio.run(main())
"""
    starter = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    process = await started(folder, "sleeper-1")
    starter.kill()
    await starter.wait()
    psutil.wait_procs([process], timeout=10)
    assert not process.is_running()


async def test_a_signal_reaches_what_the_program_has_started_too(folder):
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
    process = await Process.start(python("sleeper-1", code), folder)
    async with asyncio.timeout(20):
        while not (children := psutil.Process(process.pid).children()):
            await asyncio.sleep(0.01)
    process.send(signal.SIGTERM)
    await process.ended()
    psutil.wait_procs(children, timeout=10)
    assert not [child for child in children if child.is_running()]


async def started(folder, name):
    async with asyncio.timeout(20):
        while not folder.pid(name).exists():
            await asyncio.sleep(0.01)
    return psutil.Process(int(folder.pid(name).read_text()))
