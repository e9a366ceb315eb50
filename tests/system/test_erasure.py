"""An account with a word in every place there is, erased over HTTP: the word is in no file then, and others keep theirs."""

import asyncio
import json

import pytest
from support.client import Client
from support.system import running

CANARY, OTHER = "canaryqzx8f1b2c", "otherqzx77aa01"
SERVICE_TOKEN = "a-token-of-the-operators-own-services"
PACE = {"INFERENCE_DEMO_TOKENS_PER_SECOND": "40", "GATEWAY_SERVICE_TOKEN": SERVICE_TOKEN}
A_MIB = 1024 * 1024
DAY = "2026-12-24"


async def live(client: Client, word: str, count: int) -> dict[str, str]:
    """Leaves the word wherever a person can leave one; answers with the last message, which is being answered."""
    attachment = {"name": "notes.txt", "text": f"{word} attached " * 100}
    first = await client.send(f"say {word}", attachments=[attachment])
    await client.answer(first)
    await client.call("POST", "/api/v1/notes", json={"text": f"{word} " * (A_MIB // (len(word) + 1)), "title": word})
    await client.call("POST", "/api/v1/tasks", json={"action": "create", "task": {"title": word, "tags": [word]}})
    await client.call("POST", "/api/v1/memory/pin", json={"type": "fact", "key": word, "value": {"is": word}})
    await client.call("PUT", "/api/v1/preferences", json={"nickname": word})
    await client.call("PUT", f"/api/v1/plan/{DAY}", json={"priorities": [word], "todos": [word], "notes": [word]})
    event = {"title": word, "start": f"{DAY}T09:00:00Z", "end": f"{DAY}T17:00:00Z", "location": word}
    await client.call("POST", "/api/v1/calendar/event", json=event)
    await client.call("POST", "/api/v1/personas", json={"name": word, "description": word, "systemPrompt": f"You are {word}."})
    await client.call("POST", "/api/v1/conversations", json={"title": word})
    return await client.send(f"count to {count}, {word}", conversationId=first["conversationId"])


async def summed_up(client: Client) -> str:
    """The operator's summary of what the one who leaves has done."""
    await client.call("PUT", "/api/v1/preferences", json={"groupSummary": True})
    await client.call("POST", "/api/v1/tasks", json={"action": "create", "task": {"title": CANARY}})
    headers = {"authorization": f"Bearer {SERVICE_TOKEN}"}
    order = {"type": "group_summary", "params": {"users": ["leaving"]}}
    created = await client.http.post("/api/v1/internal/workflows", json=order, headers=headers)
    async with asyncio.timeout(60):
        while True:
            response = await client.http.get(f"/api/v1/internal/workflows/{created.json()['id']}", headers=headers)
            if response.json().get("output"):
                return response.json()["output"]["summary"]
            await asyncio.sleep(0.1)


async def exported(client: Client) -> list[dict[str, object]]:
    response = await client.http.get("/api/v1/export")
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert lines[-1]["type"] == "end"
    # Which streams are open right now comes and goes by itself.
    return [line for line in lines if line["type"] not in ("export", "progress", "end", "session")]


def files_with(data, word):
    return sorted(
        str(path.relative_to(data)) for path in data.rglob("*") if path.is_file() and word.encode() in path.read_bytes()
    )


async def until_tokens(client: Client, accepted: dict[str, str]) -> None:
    async with asyncio.timeout(60):
        async for event in client.follow(accepted["streamUrl"]):
            if event.event == "llm.token":
                return


@pytest.mark.slow
async def test_s16_an_erased_account_is_in_no_file_and_others_have_all_of_theirs(tmp_path):
    with running(tmp_path, **PACE) as system:
        async with system.client("leaving") as leaving, system.client("staying") as staying:
            await staying.answer(await live(staying, OTHER, 20))
            assert CANARY in await summed_up(leaving)
            await until_tokens(leaving, await live(leaving, CANARY, 3000))
            before = await exported(staying)
            mine = await exported(leaving)
            assert {record["type"] for record in mine} >= {"message", "note", "task", "pinnedMemory", "plan", "calendarEvent"}
            assert sum(len(str(part["text"])) for part in mine if part["type"] == "part") > A_MIB - 100
            assert files_with(tmp_path, CANARY)
            erased = (await leaving.call("DELETE", "/api/v1/account"))["erased"]
            assert erased["messages"] >= 4
            assert await exported(leaving) == []
            assert (await leaving.call("GET", "/api/v1/state"))["tasks"] == []
            assert await exported(staying) == before
            await until_nothing_is_late(system, leaving)
    assert files_with(tmp_path, CANARY) == []
    assert files_with(tmp_path, OTHER)


async def until_nothing_is_late(system, client: Client) -> None:
    """What the worker wrote after the erasure is looked for when its lease is over: until that was done."""
    async with asyncio.timeout(90):
        while "erasure.resumed" not in (system.data / "log" / "memory-1.log").read_text():
            await asyncio.sleep(0.2)
        await client.send("a new life")
