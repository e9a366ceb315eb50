"""N12: the cursor of a snapshot fits it, on a whole Colloquy: no gap, no overlap, and running texts are whole."""

import asyncio
import random
from contextlib import aclosing

USER = "cursor-ana"
RUNNING = ("pending", "streaming")


async def changed(client, times):
    for number in range(times):
        await client.call("POST", "/api/v1/tasks", json={"action": "create", "task": {"title": f"task {number}"}})
        await asyncio.sleep(random.random() * 0.02)


async def answers_to(client, times):
    for _ in range(times):
        await client.send("count to 80")
        await asyncio.sleep(0.2)


async def snapshots(client):
    """Until nothing runs any more; at least some."""
    states = []
    while len(states) < 20 or any(message["status"] in RUNNING for message in states[-1]["messages"]):
        states.append(await client.call("GET", "/api/v1/state", params={"limit": 200}))
        await asyncio.sleep(random.random() * 0.05)
    return states


async def followed(client, cursor, until):
    heard = []
    async with asyncio.timeout(60), aclosing(client.follow("/api/v1/stream", cursor)) as events:
        async for event in events:
            heard.append(event)
            if event.event == "state.updated" and event.data["version"] == until:
                return heard
    raise AssertionError("unreachable")


def texts_of(state, heard):
    """Texts of answers by message, from the snapshot and the events after it."""
    answers = [message for message in state["messages"] if message["role"] == "assistant"]
    texts = {message["id"]: message["text"] for message in answers}
    ended = {message["id"] for message in answers if message["status"] not in RUNNING}
    for event in heard:
        if event.event in ("generation.started", "generation.restarted"):
            texts[event.data["messageId"]] = ""
        elif event.event == "llm.token" and event.data["messageId"] not in ended:
            texts[event.data["messageId"]] = texts.get(event.data["messageId"], "") + event.data["token"]
    return texts


async def test_n12_every_snapshot_continues_exactly_where_it_ends(system):
    async with system.client(USER) as client, system.client(USER) as other:
        async with asyncio.TaskGroup() as tasks:
            for device in (client, other, client):
                tasks.create_task(changed(device, 30))
            tasks.create_task(answers_to(other, 4))
            reading = tasks.create_task(snapshots(client))
        await client.call("POST", "/api/v1/notes", json={"text": "the end"})
        last = await client.call("GET", "/api/v1/state", params={"limit": 200})
        whole = texts_of(last, [])
        for state in reading.result():
            heard = await followed(other, state["cursor"], last["version"])
            versions = [event.data["version"] for event in heard if event.event == "state.updated"]
            first = state["version"] + 1 if state["version"] else versions[0]  # the first version of a user may be any
            assert versions == list(range(first, last["version"] + 1))
            assert all(event.data["version"] > state["version"] for event in heard if event.data.get("version"))
            assert texts_of(state, heard).items() <= whole.items()
