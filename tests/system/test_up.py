"""`colloquy up`: comes up, keeps everything running, says in one sentence what is wrong, and leaves nothing behind."""

import asyncio
import os
import signal
import sys

import httpx
import psutil
import pytest
from support.client import LOST
from support.system import free_port, running

NAMES = ("nats-1", "memory-1", "inference-1", "transcribe-1", "workflow-1", "gateway-1")
STOP_SECONDS = 10.0


async def test_every_process_has_a_pid_file_and_is_started_again_when_it_is_killed(tmp_path):
    with running(tmp_path / "data") as system:
        async with system.client() as client:
            for name in NAMES:
                killed = system.signal(name, signal.SIGKILL)
                await another_pid(system, name, killed)
            fold = await client.answer(await client.send("count to 5"))
            assert list(fold.texts.values())[-1] == "1, 2, 3, 4, 5"


async def test_sigterm_leaves_no_process_and_no_pid_file_even_when_a_service_is_frozen(tmp_path):
    with running(tmp_path / "data") as system:
        family = system.family()
        assert sum(process.ppid() == system.process.pid for process in family) == len(NAMES)
        system.signal("inference-1", signal.SIGSTOP)
        system.process.terminate()
        assert await asyncio.to_thread(system.process.wait, STOP_SECONDS) == 0
        assert not alive(family)
        assert not list((tmp_path / "data" / "run").glob("*-*.pid"))


async def test_the_second_ctrl_c_ends_everything_at_once(tmp_path):
    with running(tmp_path / "data") as system:
        family = system.family()
        for name in NAMES:
            system.signal(name, signal.SIGSTOP)
        system.process.send_signal(signal.SIGINT)
        await said(tmp_path / "data" / "up.log", "Stopping")
        system.process.send_signal(signal.SIGINT)
        await asyncio.to_thread(system.process.wait, STOP_SECONDS)
        assert not alive(family)


async def test_when_up_is_killed_its_processes_die_and_the_next_one_goes_on_with_the_data(tmp_path):
    with running(tmp_path / "data") as system:
        async with system.client() as client:
            accepted = await client.send("/echo still here")
            await client.answer(accepted)
            family = system.family()
            system.process.kill()
            psutil.wait_procs(family, timeout=5)
            assert not alive(family)
    with running(tmp_path / "data") as again:
        async with again.client() as client:
            texts = [message["text"] for message in await client.messages(accepted["conversationId"])]
            assert texts == ["/echo still here", "still here"]


async def test_a_second_up_on_the_same_data_or_port_is_refused_in_one_sentence(tmp_path):
    with running(tmp_path / "data") as system:
        status, words = await up("--data", tmp_path / "data", "--port", free_port())
        assert (status, "already running" in words, words.count("\n")) == (1, True, 1)
        status, words = await up("--data", tmp_path / "other", "--port", system.port)
        assert (status, "another program uses it" in words, words.count("\n")) == (1, True, 1)
        assert not alive_in(tmp_path / "other")


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "sentence"),
    [
        (["--scale", "memory=2"], {}, 2, "SQLite is written by one process only"),
        (["--scale", "chef=2"], {}, 2, "no service 'chef'"),
        (["--scale", "inference=none"], {}, 2, "not a number of processes"),
        (["--host", "0.0.0.0"], {}, 2, "anybody could be any user"),
        (["--host", "no.such.host.invalid"], {"GATEWAY_AUTH": "jwt"}, 1, "can't be opened"),
        (["--nats", "nonsense"], {}, 2, "--nats takes an address"),
        (["--nats", "nats://127.0.0.1:1"], {"PROVISION_TIMEOUT": "0.5"}, 1, "NATS can't be reached"),
        ([], {"MEMORY_DATABASE_URL": "nonsense"}, 1, "memory-1 could not be started"),
        ([], {"GATEWAY_AUTH": "jwt"}, 1, "gateway-1 could not be started"),
    ],
)
async def test_what_can_not_start_says_so_in_one_sentence_and_leaves_nothing(
    tmp_path, arguments, environment, status, sentence
):
    ended, words = await up("--data", tmp_path / "data", "--port", free_port(), *arguments, **environment)
    assert (ended, words.count("\n")) == (status, 1), words
    assert sentence in words
    assert not alive_in(tmp_path / "data")


async def test_a_data_folder_that_can_not_be_one_is_named(tmp_path):
    (tmp_path / "data").write_text("a file")
    status, words = await up("--data", tmp_path / "data", "--port", free_port())
    assert (status, words.count("\n")) == (1, 1)
    assert "can't be used for the data" in words


async def test_two_gateways_share_the_port_and_the_death_of_one_refuses_nobody(tmp_path):
    with running(tmp_path / "data", scale="gateway=2,inference=2") as system:
        assert {system.pid(f"gateway-{n}") for n in (1, 2)} | {system.pid(f"inference-{n}") for n in (1, 2)}
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(ask_again_and_again(system.url, 200))
            for name in ("gateway-1", "gateway-2"):
                await another_pid(system, name, system.signal(name, signal.SIGKILL))
        assert "refused" not in asked.result()
        assert asked.result().count("ready") > 100


async def another_pid(system, name, old):
    async with asyncio.timeout(20):
        while True:
            assert system.process.returncode is None, (system.data / "up.log").read_text()
            try:
                if (pid := system.pid(name)) != old and psutil.pid_exists(pid):
                    return
            except FileNotFoundError:
                pass
            await asyncio.sleep(0.02)


async def ask_again_and_again(url, times):
    outcomes = []
    for _ in range(times):
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            try:
                outcomes.append((await client.get(f"{url}/readyz")).json()["status"])
            except httpx.ConnectError:
                outcomes.append("refused")
            except LOST:
                outcomes.append("cut")
    return outcomes


async def up(*arguments, **environment):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "colloquy", "up", *map(str, arguments)),
        env={**os.environ, **environment, "COLUMNS": "1000"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        _, words = await process.communicate()
    return process.returncode, words.decode()


async def said(log, word):
    async with asyncio.timeout(10):
        while word not in log.read_text():
            await asyncio.sleep(0.01)


def alive(processes):
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def alive_in(data):
    """Processes of which the command line or the environment names the folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        words = [*(process.info["cmdline"] or []), *(process.info["environ"] or {}).values()]
        if process.pid != os.getpid() and any(str(data) in word for word in words):
            found.append(process)
    return found
