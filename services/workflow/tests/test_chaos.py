"""A campaign: workers that kill, freeze or stop themselves at every point of the engine, over many workflows.

A short one by default. `COLLOQUY_KILLS=1000 COLLOQUY_WORKFLOWS=200 pytest services/workflow/tests/test_chaos.py -s` is the long
one; `COLLOQUY_SEED` repeats one.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter, defaultdict
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import chaos_workflow
import nats
import pytest
from calling import Caller

from shared.contract.journal import JournalPage
from shared.contract.permissions import inbox_prefix
from shared.contract.streams import CONSUMERS
from shared.contract.subjects import journal, journals_of
from shared.errors import WorkflowEnded
from shared.provision import consumer_config

KILLS = int(os.environ.get("COLLOQUY_KILLS", "40"))
WORKFLOWS = int(os.environ.get("COLLOQUY_WORKFLOWS", "16"))
SEED = int(os.environ.get("COLLOQUY_SEED", "1"))
CHANCE = float(os.environ.get("COLLOQUY_CHANCE", "0.1"))
WORKERS = 3
LAG_SECONDS = 30.0
"""Nothing is stuck so long after the last death."""

PATIENCE_SECONDS = 60.0 + 2.0 * KILLS


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
async def nursery(url: str, folder: Path, kills: int):
    """The workers, and a way to look at what has become of them."""
    report = folder / "report.json"
    script = Path(__file__).with_name("chaos_nursery.py")
    arguments = [str(report), str(WORKERS), str(kills), str(CHANCE), str(SEED)]
    environment = {"NATS_URL": url, "LOG_LEVEL": "error"}
    with (folder / "workers.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(sys.executable, script, *arguments, env=environment, stderr=log)
    try:
        yield lambda: json.loads(report.read_text()) if report.exists() else {"deaths": 0, "last": 0.0}
    finally:
        process.terminate()
        await process.wait()


async def begin(ana: Caller, file: Path, chance: random.Random, number: int) -> str:
    nap = chance.choice([0.01, 0.01, 1.2, 2.0])
    workflow_id = await ana.create_surely("chaos", {"file": str(file), "nap": nap}, f"w-{number}")
    if chance.random() < 0.5:  # before anybody waits for it
        await tell(ana, workflow_id, number)
    return workflow_id


async def tell(ana: Caller, workflow_id: str, number: int) -> None:
    """The event that it waits for, once however often it is told."""
    try:
        await ana.surely(partial(ana.send, workflow_id, "answer", number, event_id="it"))
    except WorkflowEnded:
        pytest.fail(f"It has ended before: {await ana.surely(partial(ana.get, workflow_id))}")


async def ended(bus, ids: set[str]) -> set[str]:
    """Those whose newest page says that they have ended."""
    entries = await bus.newest(await bus.subjects(journals_of("ana")))
    pages = [JournalPage.decode(data) for _, _, data in entries]
    return {page.workflow_id for page in pages if page.status in ("completed", "failed", "terminated")} & ids


async def check(bus, ana: Caller, workflow_id: str, number: int) -> None:
    """It ended right, and each step is recorded once."""
    one_by_one, rest = chaos_workflow.STEPS[: chaos_workflow.ONE_BY_ONE], chaos_workflow.STEPS[chaos_workflow.ONE_BY_ONE :]
    assert await ana.result(workflow_id) == [*one_by_one, number, *rest]
    pages = [JournalPage.decode(data) for _, _, data in await bus.read(journal("ana", workflow_id))]
    ends = ("step.completed", "wait.ended", "sleep.ended", "completed")
    recorded = Counter(getattr(line, "step", "") for page in pages for line in page.lines if line.kind in ends)
    assert recorded == dict.fromkeys([*chaos_workflow.STEPS, "answer", "nap", ""], 1), workflow_id
    assert len({page.id for page in pages}) == len(pages)


@pytest.mark.slow
@pytest.mark.usefixtures("soon")
async def test_F8_workers_that_die_at_every_point_lose_nothing_and_double_nothing(ana, bus, nats_server, tmp_path):
    chance, file, began = random.Random(SEED), tmp_path / "effects", time.time()
    ana.patience = 2.0
    async with nursery(nats_server.url("workflow"), tmp_path, KILLS) as report:
        ids: list[str] = []
        deadline = began + PATIENCE_SECONDS
        while len(ids) < WORKFLOWS or report()["deaths"] < KILLS:  # more of them, when the first ones live through it
            ids.append(await begin(ana, file, chance, len(ids)))
            assert time.time() < deadline, report()
        for number, workflow_id in enumerate(ids):
            await tell(ana, workflow_id, number)
        while len(await ended(bus, set(ids))) < len(ids):
            last = report()["last"]
            assert time.time() - max(last, began) < LAG_SECONDS * (1 if report()["deaths"] >= KILLS else 3), report()
            await asyncio.sleep(0.2)
        found, took = report(), time.time() - began
        lag = max(0.0, time.time() - found["last"])
        for number, workflow_id in enumerate(ids):
            await check(bus, ana, workflow_id, number)
    effects = [line.split() for line in file.read_text().splitlines()]
    keys: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for workflow_id, step, key in effects:
        keys[workflow_id, step].add(key)
    assert len(keys) == len(ids) * len(chaos_workflow.STEPS)
    assert all(len(each) == 1 for each in keys.values()), "whoever honours the key would have acted twice"
    told = {"workflows": len(ids), "effects": len(keys), "attempts": len(effects), "seconds": round(took, 1)}
    print(json.dumps({**found, **told, "secondsAfterTheLastDeath": round(lag, 1)}, indent=2))
