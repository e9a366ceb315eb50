"""Workers that are killed at every kind of point, frozen and thawed, racing each other; a nats-server that is killed."""

import asyncio
import json
import os
import random
import signal
from collections import Counter
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import nats
import psutil
import pytest
from calling import LONG, Caller

from shared.contract.journal import JournalPage
from shared.contract.permissions import inbox_prefix
from shared.contract.streams import CONSUMERS
from shared.contract.subjects import journal, run
from shared.contract.workflow import Wake
from shared.provision import consumer_config

POINTS = [f"{when} {what}" for what in ("first", "left", "last") for when in ("before", "after")]
POINTS += ["after nap", "after answer", "at the end"]
SLEEPERS = int(os.environ.get("COLLOQUY_SLEEPERS", "60"))
"""That sleep and wait while nats-server is killed: half of them each."""

KEYS = {"first", "left", "right", "last"}


@pytest.fixture
async def soon(nats_server) -> None:
    """What a dead worker held is given out again after a second and a half."""
    consumer = next(consumer for consumer in CONSUMERS if consumer.name == "run")
    client = await nats.connect(nats_server.url("admin"), inbox_prefix=inbox_prefix("admin"))
    question = {"stream_name": "RUNS", "config": consumer_config(consumer) | {"ack_wait": 1_500_000_000}, "action": "update"}
    reply = await client.request("$JS.API.CONSUMER.CREATE.RUNS.run.run.*.*", json.dumps(question).encode(), timeout=5)
    assert b'"error"' not in reply.data
    await client.close()


@asynccontextmanager
async def kept(new_process, count: int, **more: str):
    """So many worker processes; one that has died is started again, as `up` does."""
    processes = [await new_process(**more) for _ in range(count)]

    async def keep(place: int) -> None:
        while True:
            await processes[place].process.wait()
            processes[place] = await new_process(**more)

    async with asyncio.TaskGroup() as group:
        keepers = [group.create_task(keep(place)) for place in range(count)]
        yield processes
        for keeper in keepers:
            keeper.cancel()


async def recorded(bus, workflow_id: str) -> Counter:
    """How often the end of each step is recorded."""
    pages = [JournalPage.decode(data) for _, _, data in await bus.read(journal("ana", workflow_id))]
    return Counter(line.step for page in pages for line in page.lines if line.kind in ("step.completed", "wait.ended"))


async def check(bus, ana: Caller, workflow_id: str, file: Path) -> None:
    """It ended right, each step is recorded once, and each effect has one key however often it was tried."""
    assert await ana.result(workflow_id) == {"steps": ["first", "left", "right", "last"], "answer": 42}
    assert await recorded(bus, workflow_id) == dict.fromkeys((*KEYS, "answer"), 1)
    keys = {tuple(line.split()) for line in file.read_text().splitlines()}
    assert keys == {(step, f"ana:{workflow_id}:1:{step}") for step in KEYS}


@pytest.mark.usefixtures("soon")
async def test_F8_a_worker_killed_at_every_point_and_others_at_random(ana, bus, new_process, tmp_path):
    chance = random.Random(5)
    ana.patience = 2.0
    async with kept(new_process, 3) as processes:
        files: dict[str, Path] = {}
        for number, point in enumerate((*POINTS, *[""] * 15)):
            file = tmp_path / f"notes-{number}"
            params = {"file": str(file), "die": point, "nap": chance.choice([0.01, 1.1])}
            files[await ana.create_surely("all", params, f"all-{number}")] = file
        for workflow_id in files:
            await ana.surely(partial(ana.send, workflow_id, "answer", 42, event_id="the-answer"))
            if chance.random() < 0.25:
                await chance.choice(processes).kill()
        for workflow_id, file in files.items():
            await check(bus, ana, workflow_id, file)
        assert len(list(tmp_path.glob("*.died"))) == len(POINTS)


@pytest.mark.usefixtures("soon")
async def test_F27_poison_ends_alone_although_it_takes_others_along(ana, new_process):
    ana.patience = 2.0
    async with kept(new_process, 1, SUSPICIOUS="2", MOST_BARREN="4"):
        poison = await ana.create_surely("deadly", {"after": 0.3}, "poison")
        others = [await ana.create_surely("deadly", {"after": 0.3, "takes": 0.6}, f"other-{number}") for number in range(4)]
        assert (await ana.until(poison, "failed")).error.code == "worker_lost"
        for other in others:
            assert await ana.result(other) == "alive"


@pytest.mark.usefixtures("soon")
async def test_F28_a_worker_frozen_past_its_lease_is_taken_over_and_stops_when_it_thaws(ana, bus, new_process, tmp_path):
    file = tmp_path / "notes"
    frozen = await new_process()
    workflow_id = await ana.create("slow", {"file": str(file)})
    await ana.until_that(workflow_id, lambda state: state.steps and state.steps[0].status == "running")
    second = await new_process()
    frozen.process.send_signal(signal.SIGSTOP)
    async with asyncio.timeout(LONG):
        while file.read_text().count("begun") < 2:
            await asyncio.sleep(0.05)
    frozen.process.send_signal(signal.SIGCONT)
    Path(f"{file}.go").touch()
    assert await ana.result(workflow_id) == ["slow", "after"]
    assert (await recorded(bus, workflow_id)) == {"wait": 1, "after": 1}
    await second.kill()
    assert await ana.create("echo", {}, "still") == "still"
    assert (await ana.result("still"))["number"] == 1


async def test_two_workers_that_race_record_each_step_once(ana, bus, new_worker, tmp_path):
    await new_worker()
    await new_worker()
    ids = []
    for number in range(10):
        workflow_id = await ana.create("noted", {"steps": 5, "file": str(tmp_path / f"notes-{number}")})
        for _ in range(4):
            await bus.store(run("ana", workflow_id), Wake(user="ana", workflow_id=workflow_id).encode())
        ids.append(workflow_id)
    for workflow_id in ids:
        assert await ana.result(workflow_id) == [f"n{number}" for number in range(5)]
        assert set((await recorded(bus, workflow_id)).values()) == {1}


async def test_F30_a_worker_that_is_told_to_stop_hands_over_at_once(ana, new_worker, tmp_path):
    file = tmp_path / "notes"
    first = await new_worker(grace_seconds=0)
    workflow_id = await ana.create("slow", {"file": str(file)})
    await ana.until_that(workflow_id, lambda state: state.steps and state.steps[0].status == "running")
    await new_worker()
    await first.aclose()
    Path(f"{file}.go").touch()
    assert await ana.result(workflow_id) == ["slow", "after"]


async def test_F9_what_sleeps_and_waits_goes_on_after_nats_was_killed(ana, nats_server, new_worker):
    await new_worker()
    sleeping = [await ana.create("napper", {"seconds": 3}) for _ in range(SLEEPERS // 2)]
    waiting = [await ana.create("waiter") for _ in range(SLEEPERS // 2)]
    for workflow_id in waiting:
        await ana.until(workflow_id, "waiting")
    await nats_server.kill()
    await asyncio.sleep(0.5)
    await nats_server.start()
    for workflow_id in waiting:
        await ana.send(workflow_id, "go", 1)
    for workflow_id in sleeping:
        assert await ana.result(workflow_id) == "awake"
    for workflow_id in waiting:
        assert await ana.result(workflow_id) == [1]


async def test_600_sleeping_workflows_are_held_by_nobody(ana, bus, nats_server, new_process):
    process = await new_process()
    limit = asyncio.Semaphore(50)

    async def create(number: int) -> str:
        async with limit:
            return await ana.create("sleeper", {"days": 300}, f"sleeper-{number}")

    ids = await asyncio.gather(*(create(number) for number in range(600)))
    for workflow_id in ids:
        await ana.until(workflow_id, "sleeping")
    client = await nats.connect(nats_server.url("admin"), inbox_prefix=inbox_prefix("admin"))
    info = json.loads((await client.request("$JS.API.CONSUMER.INFO.RUNS.run", b"", timeout=5)).data)
    await client.close()
    assert (info["num_ack_pending"], info["num_pending"]) == (0, 0)
    look = psutil.Process(process.process.pid)
    before = sum(look.cpu_times()[:2])
    await asyncio.sleep(2)
    assert sum(look.cpu_times()[:2]) - before < 0.5
