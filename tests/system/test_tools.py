"""Tools in the whole system, with a real MCP server that counts: a killed worker doubles nothing, leave is given anywhere."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fake_upstream as fake
import pytest
from scripted import obeys
from support.system import free_port, running

SERVER = Path(__file__).parents[1] / "support" / "counting_server.py"
SERVERS = """
[servers.count]
url = "{}"
policy = "auto"
tools.keyed.idempotent = true
[servers.careful]
url = "{}"
policy = "ask"
"""


@contextmanager
def counting(folder: Path):
    """The server, listening, and the file with its effects."""
    port, effects = free_port(), folder / "effects"
    environment = {**os.environ, "COUNTING_FILE": str(effects), "COUNTING_SECONDS": "4"}
    with subprocess.Popen([sys.executable, str(SERVER), str(port)], env=environment) as process:
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/mcp", effects
        finally:
            process.terminate()


def judge(body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Calls what the person names, once."""
    if body["messages"][-1]["role"] != "user" or "tools" not in body:
        return []
    found = json.loads(body["messages"][-1]["content"].partition("call ")[2] or "[]")
    return [(name, {"text": "x"}) for name in found]


async def lines(effects: Path, number: int) -> list[str]:
    async with asyncio.timeout(60):
        while len(found := effects.read_text().splitlines()) < number:
            await asyncio.sleep(0.02)
    return found


async def last(client, accepted) -> dict[str, Any]:
    return (await client.messages(accepted["conversationId"]))[-1]


@pytest.fixture
async def whole(tmp_path):
    """A system whose model obeys, and the effects of its tools."""
    async with fake.upstream(obeys(judge)) as model:
        with counting(tmp_path) as (url, effects):
            settings = {
                "INFERENCE_BASE_URL": model.url,
                "INFERENCE_MODEL": "m",
                "INFERENCE_TOOL_SERVERS": SERVERS.format(url, url),
            }
            system = running(tmp_path / "data", **settings)
            yield await asyncio.to_thread(system.__enter__), effects
            await asyncio.to_thread(system.__exit__, None, None, None)


async def test_f1_a_worker_killed_in_a_call_doubles_no_effect_and_says_what_it_can_not_know(whole):
    system, effects = whole
    async with system.client() as client:
        accepted = await client.send('call ["count__keyed", "count__plain"]')
        following = asyncio.create_task(client.answer(accepted))
        await lines(effects, 2)
        system.signal("inference-1", signal.SIGKILL)
        fold = await following
        message = await last(client, accepted)
    assert message["status"] == "completed"
    assert fold.texts[message["id"]] == message["text"]
    calls = {call["name"]: call["status"] for call in message["toolCalls"]}
    assert calls == {"count__keyed": "completed", "count__plain": "unknown"}
    assert sorted(line.split()[0] for line in effects.read_text().splitlines()) == ["keyed", "plain"]


async def test_n10_leave_is_given_from_another_device_after_every_worker_has_been_restarted(whole):
    system, effects = whole
    async with system.client() as phone, system.client() as desk:
        accepted = await phone.send('call ["careful__plain"]')
        following = asyncio.create_task(phone.answer(accepted, 120))
        async with asyncio.timeout(60):
            while not (waiting := (await desk.call("GET", "/api/v1/approvals"))["approvals"]):
                await asyncio.sleep(0.05)
        system.signal("inference-1", signal.SIGKILL)
        (approval,) = waiting
        assert (approval["name"], approval["arguments"]) == ("careful__plain", {"text": "x"})
        assert effects.read_text() == ""
        decision = {"decision": "approve", "argumentsHash": approval["argumentsHash"]}
        path = f"/api/v1/approvals/{approval['id']}"
        assert (await desk.call("POST", path, json=decision))["status"] == "approved"
        assert (await desk.call("POST", path, json=decision))["status"] == "approved"
        await following
        message = await last(desk, accepted)
    assert [(call["name"], call["status"]) for call in message["toolCalls"]] == [("careful__plain", "completed")]
    assert effects.read_text().splitlines() == ["plain x"]
