"""What the assistant knows about a person, over real HTTP: changed here, seen there, found, exported, erased."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime

import pytest
from support.postgres import NoPostgres, postgres
from support.system import running

TODAY = datetime.now(UTC).date().isoformat()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def system(request, tmp_path_factory):
    """One memory on SQLite, and three on PostgreSQL."""
    if request.param == "sqlite":
        yield request.getfixturevalue("system")
        return
    try:
        with postgres() as server:
            data = tmp_path_factory.mktemp("replicas")
            with running(data, scale="memory=3,gateway=2", MEMORY_DATABASE_URL=server.url()) as whole:
                yield whole
    except NoPostgres as reason:
        pytest.skip(str(reason))


@pytest.fixture
async def ana(system):
    async with system.client("person-ana") as client:
        yield client


async def seen(client, after, *wanted):
    """The events of these types that come after the cursor, until each was seen."""
    found = {}
    async with asyncio.timeout(60), aclosing(client.follow("/api/v1/stream", after)) as events:
        async for event in events:
            found.setdefault(event.event, event)
            if found.keys() >= set(wanted):
                return found
    raise AssertionError("unreachable")


async def test_m021_what_one_device_makes_the_other_one_sees(system, ana):
    async with system.client("person-ana") as other:
        before = (await other.call("GET", "/api/v1/state"))["cursor"]
        task = {"title": "Call John", "due": "2026-12-01", "tags": ["phone"]}
        made = await ana.call("POST", "/api/v1/tasks", json={"action": "create", "task": task})
        await ana.call("POST", "/api/v1/notes", json={"text": "The door code is 4711", "title": "Door"})
        await ana.call("POST", "/api/v1/memory/pin", json={"type": "fact", "key": "coffee", "value": "black"})
        await ana.call("PUT", "/api/v1/preferences", json={"timezone": "Europe/Berlin", "home": "Berlin"})
        await ana.call("PUT", f"/api/v1/plan/{TODAY}", json={"priorities": ["Ship it"], "todos": ["Water plants"], "notes": []})
        event = {"title": "Fair", "start": f"{TODAY}T09:00:00Z", "end": f"{TODAY}T17:00:00Z", "location": "Paris"}
        kept = await ana.call("POST", "/api/v1/calendar/event", json=event)
        wanted = ("task.created", "note.created", "memory.created", "preferences.updated", "plan.updated", "calendar.created")
        found = await seen(other, before, *wanted)
        assert found["task.created"].data["task"] == made
        assert (kept["title"], kept["travelEvent"]["destination"], kept["travelEvent"]["warmOnly"]) == ("Fair", "Paris", True)
        state = await other.call("GET", "/api/v1/state")
        assert made in state["tasks"]
        assert state["preferences"]["timezone"] == "Europe/Berlin"
        assert state["plan"][TODAY]["priorities"] == ["Ship it"]
        assert {entry["kind"] for entry in state["calendar"]} == {"event", "travel"}


async def test_m038_since_a_version_there_is_just_the_change(ana):
    task = {"title": "Buy bread"}
    made = await ana.call("POST", "/api/v1/tasks", json={"action": "create", "task": task})
    note = await ana.call("POST", "/api/v1/notes", json={"text": "to be deleted"})
    before = await ana.call("GET", "/api/v1/state")
    await ana.call("POST", "/api/v1/tasks", json={"action": "complete", "task": {"id": made["id"]}})
    await ana.call("DELETE", f"/api/v1/notes/{note['id']}")
    change = await ana.call("GET", "/api/v1/state", params={"since": before["version"]})
    assert [(task["id"], task["status"]) for task in change["tasks"]] == [(made["id"], "completed")]
    assert change["removed"]["notes"] == [note["id"]]
    assert (change["notes"], change["messages"], change["pinnedMemories"]) == ([], [], [])


async def test_m043_a_word_said_before_is_found(ana):
    accepted = await ana.send("/echo the quokka smiled at 日本語の猫")
    await ana.answer(accepted)
    for query in ("quokka", "QUOKKA smil", "語の", '"smiled at"'):
        async with asyncio.timeout(60):
            while not (hits := (await ana.call("GET", "/api/v1/search", params={"q": query}))["hits"]):
                await asyncio.sleep(0.1)  # it is indexed a moment after it is stored
        assert {hit["conversationId"] for hit in hits} == {accepted["conversationId"]}, query


async def test_s18_nobody_finds_what_others_said(system, ana):
    await ana.call("POST", "/api/v1/notes", json={"text": "a xylophone of my own"})
    async with asyncio.timeout(60):
        while not (await ana.call("GET", "/api/v1/search", params={"q": "xylophone"}))["hits"]:
            await asyncio.sleep(0.1)
    async with system.client("person-bob") as bob:
        assert (await bob.call("GET", "/api/v1/search", params={"q": "xylophone"}))["hits"] == []


async def test_n17_everything_can_be_exported_and_then_nothing_is_left(system):
    async with system.client("person-cleo") as cleo:
        await cleo.answer(await cleo.send("/echo remember the okapi"))
        await cleo.call("POST", "/api/v1/notes", json={"text": "okapi facts"})
        lines = (await cleo.http.get("/api/v1/export")).text.splitlines()
        records = [json.loads(line) for line in lines]
        assert (records[0]["type"], records[-1]["type"]) == ("export", "end")
        texts = json.dumps([record for record in records if record["type"] in ("message", "note")])
        assert texts.count("okapi") >= 3
        await cleo.call("DELETE", "/api/v1/account")
        state = await cleo.call("GET", "/api/v1/state")
        assert (state["messages"], state["notes"], state["conversations"]) == ([], [], [])
        assert (await cleo.call("GET", "/api/v1/search", params={"q": "okapi"}))["hits"] == []
