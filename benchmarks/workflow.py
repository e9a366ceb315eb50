"""Durable workflows: how long their steps take, what waiting costs, how soon others take over. Beside DBOS in the same run.

Prints Markdown tables. Everything runs on the loopback, durable as in an installation (`sync_interval: always`), is bounded,
and stops by itself. DBOS comes from PyPI into an environment of its own; `--alone` leaves it out, `--quick` measures less,
`--resting` only what waiting and sleeping costs, with 1,000 and 10,000 of them.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import uvloop
from pydantic import SecretStr

from benchmarks.machine import machine
from colloquy.nats_server import NatsConfig, NatsServer, new_passwords
from shared.bus import Bus, connect
from shared.contract import workflow as contract
from shared.contract.journal import JournalPage
from shared.contract.subjects import journals_of
from shared.contract.workflow import CreateWorkflow, GetWorkflow, SendWorkflowEvent, WorkflowState
from shared.errors import Busy
from shared.provision import ProvisionSettings, provision
from shared.settings import NatsSettings

QUICK = "--quick" in sys.argv
RESTING = "--resting" in sys.argv
STREAM_BYTES = 8 << 30
RUNS = 50 if QUICK else 300
SECONDS = 3.0 if QUICK else 10.0
AT_ONCE = 100
WAITING = 200 if QUICK else 1_000
SLEEPING = 1_000 if QUICK else 10_000
IDLE_SECONDS = 5.0 if QUICK else 20.0
USER = "bench"


class Bench:
    """A nats-server, a bus to ask through, and worker processes."""

    def __init__(self, bus: Bus, server: NatsServer, workers: list[asyncio.subprocess.Process]) -> None:
        self.bus, self._server, self.workers = bus, server, workers

    async def begin_worker(self) -> psutil.Process:
        """Another worker, once it answers."""
        environment = {**os.environ, "NATS_URL": self._server.url("workflow"), "LOG_LEVEL": "error"}
        command = (sys.executable, "-m", "benchmarks.workflow_worker")
        worker = await asyncio.create_subprocess_exec(*command, env=environment, cwd=Path(__file__).parents[1])
        self.workers.append(worker)
        await self.ended(await self.create("steps", {"count": 1}))
        return psutil.Process(worker.pid)

    async def create(self, kind: str, params: Any, workflow_id: str | None = None) -> str:
        """Begins a workflow, as soon as there is anybody who can."""
        question = CreateWorkflow(user=USER, type=kind, params=params, id=workflow_id)
        async with asyncio.timeout(60):
            while True:
                with suppress(Busy):
                    return (await self.bus.ask(contract.CREATE, question, timeout=5)).id
                await asyncio.sleep(0.05)

    async def get(self, workflow_id: str) -> WorkflowState:
        """How far it is."""
        return await self.bus.ask(contract.GET, GetWorkflow(user=USER, workflow_id=workflow_id), timeout=10)

    async def ended(self, workflow_id: str) -> Any:
        """What it has come to."""
        async with asyncio.timeout(120):
            while (state := await self.get(workflow_id)).status not in ("completed", "failed"):
                await asyncio.sleep(0.001)
        return state.output

    async def send(self, workflow_id: str) -> None:
        """The event that it waits for."""
        question = SendWorkflowEvent(user=USER, workflow_id=workflow_id, type="go")
        await self.bus.ask(contract.SEND_EVENT, question, timeout=10)


@asynccontextmanager
async def benched() -> AsyncGenerator[Bench]:
    """All of it, until the context is left."""
    with tempfile.TemporaryDirectory(prefix="colloquy-bench-") as name:
        folder = Path(name)
        config = NatsConfig(folder / "store", new_passwords(), STREAM_BYTES)
        server = NatsServer(config, config_file=folder / "nats.conf", log_file=folder / "nats.log")
        await server.start()
        workers: list[asyncio.subprocess.Process] = []
        try:
            await provision(server.url("admin"), ProvisionSettings(budget_bytes=STREAM_BYTES))
            async with connect(NatsSettings(url=SecretStr(server.url("admin"))), "benchmark") as bus:
                yield Bench(bus, server, workers)
        finally:
            for worker in workers:
                if worker.returncode is None:
                    worker.kill()
                    await worker.wait()
            await server.kill()


# --- one workflow after the other ------------------------------------------------------------------------------------


async def alone(bench: Bench, count: int, runs: int) -> float:
    """Median milliseconds from the call until the last line of the journal is stored, by the journal's own feed."""
    took: list[float] = []
    done: dict[str, asyncio.Event] = {}

    def heard(page: JournalPage) -> None:
        if page.status == "completed" and page.workflow_id in done:
            done[page.workflow_id].set()

    async with bench.bus.listen(_live(), JournalPage, heard):
        for number in range(runs):
            workflow_id = f"alone-{count}-{number}"
            event = done[workflow_id] = asyncio.Event()
            began = time.perf_counter()
            await bench.create("steps", {"count": count}, workflow_id)
            async with asyncio.timeout(60):
                await event.wait()
            took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)


def _live() -> Any:
    """What the stream republishes once a line is stored."""
    return "live." + journals_of(USER)


async def together(bench: Bench, count: int) -> float:
    """Workflows per second, from the call to their end."""
    ended, until = 0, time.perf_counter() + SECONDS
    open_now: set[str] = set()
    ready = asyncio.Semaphore(AT_ONCE)

    def heard(page: JournalPage) -> None:
        nonlocal ended
        if page.status == "completed" and page.workflow_id in open_now:
            open_now.discard(page.workflow_id)
            ended += 1
            ready.release()

    async with bench.bus.listen(_live(), JournalPage, heard), asyncio.TaskGroup() as tasks:
        number, began = 0, time.perf_counter()
        while time.perf_counter() < until:
            await ready.acquire()
            number += 1
            open_now.add(f"many-{count}-{number}")
            tasks.create_task(bench.create("steps", {"count": count}, f"many-{count}-{number}"))
        seconds, made = time.perf_counter() - began, ended
    return made / seconds


# --- waiting, sleeping, dying ----------------------------------------------------------------------------------------


async def crowd(bench: Bench, kind: str, count: int, status: str) -> None:
    """So many workflows that rest."""
    limit = asyncio.Semaphore(50)

    async def one(number: int) -> None:
        async with limit:
            await bench.create(kind, {}, f"{kind}-{number}")

    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            tasks.create_task(one(number))
    for number in range(count - 1, max(count - 20, -1), -1):
        while (await bench.get(f"{kind}-{number}")).status != status:
            await asyncio.sleep(0.05)


async def events(bench: Bench) -> float:
    """Median milliseconds from the call until the workflow goes on, with others waiting."""
    await crowd(bench, "waiter", WAITING, "waiting")
    took: list[float] = []
    for number in range(0, WAITING, WAITING // 50):
        began = time.time()
        await bench.send(f"waiter-{number}")
        took.append(1000 * (await bench.ended(f"waiter-{number}") - began))
    return statistics.median(took)


async def sleeping(bench: Bench, worker: psutil.Process) -> tuple[float, float]:
    """Share of a core that a worker takes while they sleep, and by how many MiB it has grown over all of them."""
    before = worker.memory_info().rss
    await crowd(bench, "sleeper", SLEEPING, "sleeping")
    await asyncio.sleep(2)
    first, began = _cpu(worker), time.perf_counter()
    await asyncio.sleep(IDLE_SECONDS)
    used = (_cpu(worker) - first) / (time.perf_counter() - began)
    return 100 * used, (worker.memory_info().rss - before) / 2**20


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def takeover(bench: Bench) -> float:
    """Seconds from the death of a worker until another one does its step."""
    workflow_id = await bench.create("slow", {"until": time.time() + 3})
    await asyncio.sleep(3.5)
    for worker in bench.workers:
        worker.kill()
    died = time.time()
    await bench.begin_worker()
    return await bench.ended(workflow_id) - died


# --- the others ------------------------------------------------------------------------------------------------------


def dbos() -> dict[str, float]:
    """The same in DBOS; nothing when it can't be had."""
    if RESTING or "--alone" in sys.argv:
        return {}
    with tempfile.TemporaryDirectory(prefix="colloquy-bench-") as name:
        venv.create(Path(name) / "venv", with_pip=True)
        python = str(Path(name) / "venv" / "bin" / "python")
        script = str(Path(__file__).with_name("workflow_dbos.py"))
        arguments = ["--quick"] if QUICK else []
        try:
            subprocess.run([python, "-m", "pip", "install", "-q", "dbos"], check=True, capture_output=True)
            command = [python, script, str(Path(name) / "dbos.db"), *arguments]
            said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout
        except (subprocess.SubprocessError, OSError) as error:
            sys.stderr.write(f"DBOS could not be measured: {error}\n")
            return {}
    return json.loads(said.strip().splitlines()[-1])


async def ours() -> dict[str, float]:
    """Everything of ours."""
    async with benched() as bench:
        worker = await bench.begin_worker()
        await alone(bench, 2, 20)
        found = {} if RESTING else await steps(bench)
        found["event"] = await events(bench)
        found["sleeping CPU"], found["sleeping MiB"] = await sleeping(bench, worker)
        if not RESTING:
            found["takeover"] = await takeover(bench)
    return found


async def steps(bench: Bench) -> dict[str, float]:
    """What is done at once."""
    return {
        "one step": await alone(bench, 1, RUNS),
        "five steps": await alone(bench, 5, RUNS // 2),
        "100 steps": await alone(bench, 100, RUNS // 10),
        "per second": await together(bench, 1),
    }


ROWS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("one step, p50 ms", "one step", "{:.1f}".format),
    ("five steps, p50 ms", "five steps", "{:.1f}".format),
    ("100 steps, p50 ms", "100 steps", "{:.0f}".format),
    ("one-step workflows/s of one worker", "per second", "{:.0f}".format),
    (f"event to continuation, p50 ms ({WAITING} waiting here, 20 there)", "event", "{:.1f}".format),
    (f"{SLEEPING} sleeping: % of a core", "sleeping CPU", "{:.1f}".format),
    (f"{SLEEPING} sleeping: MiB more in the worker", "sleeping MiB", "{:.1f}".format),
    ("from kill -9 to the step done elsewhere, s", "takeover", "{:.1f}".format),
)


def main() -> None:
    """Measures, and prints."""
    print(machine())
    theirs, found = dbos(), uvloop.run(ours())
    print("\n| | Colloquy | DBOS, SQLite with WAL |\n|---|---|---|")
    for title, key, shown in ROWS:
        if key in found:
            print(f"| {title} | {shown(found[key])} | {shown(theirs[key]) if key in theirs else '–'} |")


if __name__ == "__main__":
    main()
