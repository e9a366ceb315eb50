"""A task over HTTP, watched on the stream: its worker is killed in the middle, and it finishes on the other one."""

import asyncio
import json
import signal
from urllib.parse import urlsplit

from pydantic import SecretStr
from support.system import running

from shared.bus import connect
from shared.contract.journal import JournalPage, RunTaken
from shared.contract.subjects import journal
from shared.settings import NatsSettings

PACE = {"INFERENCE_DEMO_TOKENS_PER_SECOND": "20", "GATEWAY_RATE_PER_MINUTE": "100000"}
GOAL = "count to 5; then count to 120; then /echo the end"
WORKERS = ("workflow-1", "workflow-2")
ENDED = ("completed", "failed", "terminated")


async def watched(client, workflow_id, cursor, heard, until):
    """Adds the events of this workflow to `heard` until one of them is what is waited for; answers the cursor after it."""
    async with asyncio.timeout(90):
        async for event in client.follow("/api/v1/stream", cursor):
            if event.event == "workflow.updated" and event.data["workflowId"] == workflow_id:
                heard.append(event)
                if until(event.data):
                    return event.id
    raise AssertionError("unreachable")


def is_counting(data):
    """The second item is under way."""
    return data.get("step", "").startswith("2. ") and data.get("stepStatus") == "running"


async def test_f8_a_task_whose_worker_is_killed_finishes_on_the_other(tmp_path):
    with running(tmp_path, scale="workflow=2", **PACE) as system:
        async with system.client() as client:
            cursor = (await client.call("GET", "/api/v1/state"))["cursor"]
            begun = await client.call("POST", "/api/task", json={"goal": GOAL}, headers={"idempotency-key": "once"})
            heard = []
            cursor = await watched(client, begun["id"], cursor, heard, is_counting)
            held = await holder(system, begun["id"])
            (victim,) = [name for name in WORKERS if system.pid(name) == held]
            system.signal(victim, signal.SIGKILL)
            await watched(client, begun["id"], cursor, heard, lambda data: data["status"] in ENDED)
            found = await client.call("GET", f"/api/task?instanceId={begun['id']}")
            again = await client.call("POST", "/api/task", json={"goal": GOAL}, headers={"idempotency-key": "once"})
            notes = (await client.call("GET", "/api/v1/notes"))["notes"]
            assert await holder(system, begun["id"]) != held
            await found_by_search(client, found["output"]["noteId"])
    assert (found["status"], again["id"]) == ("completed", begun["id"])
    assert found["output"]["plan"] == ["count to 5", "count to 120", "/echo the end"]
    assert "1, 2, 3, 4, 5\n" in found["output"]["result"]
    assert found["output"]["result"].endswith("the end")
    assert [note["id"] for note in notes] == [found["output"]["noteId"]], "kept once"
    completed = [event.data["step"] for event in heard if event.data.get("stepStatus") == "completed"]
    assert {step.partition(".")[0] for step in completed} >= {"plan", "store"}
    ids = [event.id for event in heard]
    assert len(ids) == len(set(ids))


async def found_by_search(client, note_id):
    """What is kept can be referred to, once the index has it."""
    async with asyncio.timeout(40):
        while note_id not in [hit["id"] for hit in (await client.call("GET", "/api/v1/search?q=count"))["hits"]]:
            await asyncio.sleep(0.2)


async def holder(system, workflow_id):
    """The process that has the workflow, or had it last, as its journal says."""
    place = urlsplit((system.data / "run" / "nats.url").read_text().strip())
    password = json.loads((system.data / "secrets.json").read_text())["workflow"]
    url = SecretStr(f"nats://workflow:{password}@{place.hostname}:{place.port}")
    async with connect(NatsSettings(url=url), "workflow") as bus:
        pages = [JournalPage.decode(data) for _, _, data in await bus.read(journal("ana", workflow_id))]
    workers = [line.worker for page in pages for line in page.lines if isinstance(line, RunTaken)]
    return int(workers[-1].rsplit("-", 2)[1])
