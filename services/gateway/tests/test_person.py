"""M026–M047: a person's state over HTTP: what is sent, what memory is asked, what comes back and on which streams."""

import asyncio
import json

import pytest
from reading import events
from test_socket import connected, heard_until

from shared.errors import LimitReached

DAY = "2026-01-31"


async def made(client, path, body, method="POST", **options):
    response = await client.request(method, path, json=body, **options)
    assert response.status_code in (200, 201), response.text
    return response.json()


async def new_task(client, **fields):
    return await made(client, "/api/v1/tasks", {"action": "create", "task": {"title": "Call John", **fields}})


async def test_m026_a_task_is_created_changed_completed_and_deleted(ana):
    fields = {"due": "2026-01-31T09:00:00+01:00", "tags": ["phone"], "assignee": "bob"}
    task = await new_task(ana, **fields)
    assert task["due"] == "2026-01-31T08:00:00Z"
    assert (task["status"], task["tags"], task["assignee"]) == ("open", ["phone"], "bob")
    change = {"id": task["id"], "title": "Call Jane", "due": None}
    changed = await made(ana, "/api/v1/tasks", {"action": "update", "task": change})
    assert changed == {**{name: value for name, value in task.items() if name != "due"}, "title": "Call Jane"}
    done = await made(ana, "/api/v1/tasks", {"action": "complete", "task": {"id": task["id"]}})
    assert (done["status"], bool(done["completedAt"])) == ("completed", True)
    assert (await ana.get(f"/api/v1/tasks/{task['id']}")).json() == done
    assert await made(ana, "/api/v1/tasks", {"action": "delete", "task": {"id": task["id"]}})
    assert (await ana.get(f"/api/v1/tasks/{task['id']}")).json()["error"]["code"] == "unknown_task"


async def test_lists_are_paged_and_always_say_what_comes_next(ana):
    one, two = await new_task(ana, title="one"), await new_task(ana, title="two")
    await made(ana, "/api/v1/tasks", {"action": "complete", "task": {"id": one["id"]}})
    assert (await ana.get("/api/v1/tasks?status=open")).json() == {"tasks": [two], "next": None}
    assert (await ana.get("/api/v1/tasks?limit=1")).json()["next"] == "more"
    for path, name in (("notes", "notes"), ("memory", "pinnedMemories"), ("calendar", "events")):
        assert (await ana.get(f"/api/v1/{path}")).json() == {name: [], "next": None}
    personas = (await ana.get("/api/v1/personas")).json()
    assert (personas["next"], personas["personas"][0]["builtIn"]) == (None, True)


async def test_m027_a_note_has_its_text_whole(ana):
    text = "ä" * 5_000
    note = await made(ana, "/api/v1/notes", {"text": text, "title": "Long", "kind": "snippet", "tags": ["a"]})
    assert (note["text"], note["size"], note["kind"]) == (text, 10_000, "snippet")
    changed = await made(ana, f"/api/v1/notes/{note['id']}", {"title": "Longer"}, "PUT")
    assert (changed["title"], changed["text"]) == ("Longer", text)
    assert (await ana.get(f"/api/v1/notes/{note['id']}")).json() == changed
    other = await made(ana, "/api/v1/notes", {"text": "short"})
    assert (await ana.delete(f"/api/v1/notes/{note['id']}")).json()["id"] == note["id"]
    assert (await ana.delete("/api/v1/notes", params={"id": other["id"]})).json()["id"] == other["id"]
    assert (await ana.delete("/api/v1/notes")).status_code == 422


async def test_m029_a_note_may_have_a_mebibyte_and_no_more(ana, gateway):
    text = "lorem ipsum " * 87_382
    whole = text[: 1024 * 1024]
    body = {"text": whole, "title": "t" * 500, "tags": ["x" * 64] * 32}
    sent = json.dumps(body).encode() + b" " * 62_000
    response = await ana.post("/api/v1/notes", content=sent, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["text"] == whole) == (201, True)
    response = await ana.post("/api/v1/notes", json={"text": whole + "a"})
    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")
    assert len(gateway.memory.person.asked) == 1


async def test_m030_the_same_type_and_key_replaces_what_was_pinned(ana):
    pin = {"type": "fact", "key": "coffee", "value": "black"}
    first = await made(ana, "/api/v1/memory/pin", pin)
    second = await made(ana, "/api/v1/memory/pin", pin | {"value": {"milk": [1, None, True]}})
    assert (first["id"], second["value"]) == (second["id"], {"milk": [1, None, True]})
    assert (await ana.get("/api/v1/memory")).json() == {"pinnedMemories": [second], "next": None}
    assert (await ana.delete(f"/api/v1/memory/{first['id']}")).json() == second
    assert (await ana.get("/api/v1/memory")).json()["pinnedMemories"] == []


async def test_m031_preferences_are_one_flat_object_and_null_removes_a_key(ana):
    assert (await ana.get("/api/v1/preferences")).json() == {}
    hours = {"mon": ["09:00", "17:00"]}
    assert await made(ana, "/api/v1/preferences", {"timezone": "Europe/Berlin", "workHours": hours}, "PUT")
    after = await made(ana, "/api/v1/preferences", {"language": "de", "timezone": None, "unset": None}, "PUT")
    assert after == {"workHours": hours, "language": "de"}
    assert (await ana.get("/api/v1/preferences")).json() == after


async def test_m034_a_plan_belongs_to_its_day(ana):
    empty = (await ana.get(f"/api/v1/plan/{DAY}")).json()
    assert empty == {"date": DAY, "priorities": [], "todos": [], "notes": []}
    body = {"priorities": ["a", "b", "c"], "todos": ["1", "2", "3", "4", "5"], "notes": ["n"]}
    plan = await made(ana, f"/api/v1/plan/{DAY}", body, "PUT")
    assert {name: plan[name] for name in body} == body
    assert (await ana.get(f"/api/v1/plan/{DAY}")).json() == plan
    for bad in ("2026-02-30", "2026-1-1", "today", "20260131", "２０２６-01-31", "9" * 40):
        assert (await ana.get(f"/api/v1/plan/{bad}")).status_code == 422, bad


async def test_m035_an_event_elsewhere_has_its_travel_event_beside_it(ana):
    body = {"title": "Fair", "start": "2026-01-31T09:00:00+01:00", "end": "2026-01-31T17:00:00+01:00"}
    plain = await made(ana, "/api/v1/calendar/event", body)
    assert (plain["start"], "travelEvent" in plain) == ("2026-01-31T08:00:00Z", False)
    away = await made(ana, f"/api/v1/calendar/event/{plain['id']}", body | {"location": "Paris"}, "PUT")
    assert (away["id"], away["travelEvent"]["destination"], away["travelEvent"]["warmOnly"]) == (plain["id"], "Paris", True)
    assert [event["id"] for event in (await ana.get("/api/v1/calendar")).json()["events"]] == [plain["id"]]
    assert (await ana.delete(f"/api/v1/calendar/event/{plain['id']}")).json()["id"] == plain["id"]


async def test_the_times_of_a_calendar_page_are_moments_or_whole_days(ana, gateway):
    for query, start, end in (
        ("from=2026-01-31&to=2026-01-31", "2026-01-31T00:00:00+00:00", "2026-02-01T00:00:00+00:00"),
        ("from=2026-01-31T09:00:00%2B01:00", "2026-01-31T08:00:00+00:00", None),
        ("from=2026-01-31T09:00:00+01:00", "2026-01-31T08:00:00+00:00", None),
        ("to=2026-01-31t09:00:00.5z", None, "2026-01-31T09:00:00.500000+00:00"),
    ):
        assert (await ana.get(f"/api/v1/calendar?{query}")).status_code == 200, query
        asked = gateway.memory.person.asked[-1]
        assert (asked.start and asked.start.isoformat(), asked.end and asked.end.isoformat()) == (start, end)
    for bad in ("now", "2026-01-31T09:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00", "2026-W01-1", ""):
        assert (await ana.get("/api/v1/calendar", params={"from": bad})).status_code == 422, bad
    assert (await ana.get("/api/v1/calendar", params={"to": "9999-12-31"})).status_code == 422


async def test_m042_built_in_personas_can_not_be_changed_and_own_ones_can(ana):
    body = {"name": "Pirate", "description": "Arr.", "systemPrompt": "Talk like a pirate.", "temperature": 1}
    persona = await made(ana, "/api/v1/personas", body)
    changed = await made(ana, f"/api/v1/personas/{persona['id']}", body | {"greeting": "Ahoy"}, "PUT")
    assert changed["greeting"] == "Ahoy"
    built_in = (await ana.get("/api/v1/personas")).json()["personas"][0]["id"]
    for response in (
        await ana.put(f"/api/v1/personas/{built_in}", json=body),
        await ana.delete(f"/api/v1/personas/{built_in}"),
    ):
        assert (response.status_code, response.json()["error"]["code"]) == (403, "built_in")
    assert (await ana.delete(f"/api/v1/personas/{persona['id']}")).status_code == 204


async def test_m043_search_takes_any_text_but_none(ana):
    await made(ana, "/api/v1/notes", {"text": 'the "door" code* is -4711 OR \' %'})
    for query in ('"door"', "code*", "-4711", "OR '", "%", "'"):
        hits = (await ana.get("/api/v1/search", params={"q": query})).json()["hits"]
        assert [hit["type"] for hit in hits] == ["note"], query
    for bad in ({"q": ""}, {"q": " \t"}, {}, {"q": "a" * 1_001}, {"q": "a", "limit": 0}, {"q": "a", "conversationId": "a.b"}):
        assert (await ana.get("/api/v1/search", params=bad)).status_code == 422, bad


async def test_n03_a_change_with_a_key_happens_once(ana, gateway):
    key = {"idempotency-key": "k1"}
    body = {"action": "create", "task": {"title": "once"}}
    first, second = [await made(ana, "/api/v1/tasks", body, headers=key) for _ in range(2)]
    assert first == second
    assert len((await ana.get("/api/v1/tasks")).json()["tasks"]) == 1
    other = {"action": "create", "task": {"title": "other"}}
    response = await ana.post("/api/v1/tasks", json=other, headers=key)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "idempotency_mismatch")
    response = await ana.post("/api/v1/tasks", json=other, headers={"idempotency-key": "k" * 256})
    assert response.status_code == 422


async def test_every_change_hands_on_its_key(ana, gateway):
    task, persona = (await new_task(ana))["id"], {"name": "a", "systemPrompt": "b"}
    event = {"title": "a", "start": "2026-01-31T09:00:00Z", "end": "2026-01-31T09:00:00Z"}
    kept, own = await made(ana, "/api/v1/calendar/event", event), await made(ana, "/api/v1/personas", persona)
    note = await made(ana, "/api/v1/notes", {"text": "a"})
    pinned = await made(ana, "/api/v1/memory/pin", {"type": "a", "key": "b", "value": 1})
    changes = [
        *(("POST", "/api/v1/tasks", {"action": action, "task": {"id": task}}) for action in ("update", "complete", "delete")),
        ("POST", "/api/v1/notes", {"text": "b"}),
        ("PUT", f"/api/v1/notes/{note['id']}", {"text": "c"}),
        ("DELETE", f"/api/v1/notes/{note['id']}", None),
        ("POST", "/api/v1/memory/pin", {"type": "a", "key": "b", "value": 2}),
        ("DELETE", f"/api/v1/memory/{pinned['id']}", None),
        ("PUT", "/api/v1/preferences", {"a": 1}),
        ("PUT", f"/api/v1/plan/{DAY}", {}),
        ("POST", "/api/v1/calendar/event", event),
        ("PUT", f"/api/v1/calendar/event/{kept['id']}", event),
        ("DELETE", f"/api/v1/calendar/event/{kept['id']}", None),
        ("POST", "/api/v1/personas", persona),
        ("PUT", f"/api/v1/personas/{own['id']}", persona),
        ("DELETE", f"/api/v1/personas/{own['id']}", None),
    ]
    for number, (method, path, body) in enumerate(changes):
        headers = {"idempotency-key": f"key {number}"}
        for _ in range(2):
            response = await ana.request(method, path, json=body, headers=headers)
            assert response.status_code < 300, (path, response.text)
            assert gateway.memory.person.asked[-1].operation_id == f"key {number}"


async def test_what_memory_refuses_reaches_the_client(ana, gateway):
    async def full(_):
        raise LimitReached(limit=500)

    gateway.memory.person.keep = lambda *_: full(_)
    response = await ana.post("/api/v1/tasks", json={"action": "create", "task": {"title": "a"}})
    assert (response.status_code, response.json()["error"]["code"]) == (409, "limit_reached")
    assert response.json()["error"]["limit"] == 500


async def test_s13_changes_have_a_rate_of_their_own(run_gateway):
    ana = await (await run_gateway(changes_per_minute=1, changes_burst=3)).client()
    for _ in range(3):
        await new_task(ana)
    for response in (
        await ana.post("/api/v1/tasks", json={"action": "create", "task": {"title": "a"}}),
        await ana.get("/api/v1/search", params={"q": "a"}),
    ):
        assert (response.status_code, response.json()["error"]["code"]) == (429, "rate_limited")
        assert int(response.headers["retry-after"]) > 30
    assert (await ana.post("/api/v1/message", json={"text": "a"})).status_code == 202
    assert (await ana.get("/api/v1/tasks")).status_code == 200


async def test_m021_what_one_device_changes_two_others_hear(ana, gateway):
    begun = asyncio.Event()
    cursor = (await ana.get("/api/v1/state")).json()["cursor"]
    async with connected(gateway) as socket, connected(gateway, "bob") as foreign, asyncio.TaskGroup() as tasks:
        stream = tasks.create_task(events(ana, f"/api/v1/stream?after={cursor}", last="note.deleted", begun=begun))
        await begun.wait()
        task = await new_task(ana)
        note = await made(ana, "/api/v1/notes", {"text": "a"})
        await made(ana, "/api/v1/memory/pin", {"type": "a", "key": "b", "value": 1})
        await made(ana, "/api/v1/preferences", {"a": 1}, "PUT")
        await made(ana, f"/api/v1/plan/{DAY}", {}, "PUT")
        await ana.delete(f"/api/v1/notes/{note['id']}")
        frames = [frame for frame in await heard_until(socket, "note.deleted") if "id" in frame]
        heard = await stream
        await made(await gateway.client("bob"), "/api/v1/preferences", {"mine": 1}, "PUT")
        assert {frame["type"] for frame in await heard_until(foreign, "state.updated")} == {
            "preferences.updated",
            "state.updated",
        }
    names = ["task.created", "note.created", "memory.created", "preferences.updated", "plan.updated", "note.deleted"]
    assert [event.name for event in heard if event.name != "state.updated"] == names
    assert [(event.id, event.name, event.data) for event in heard] == [
        (frame["id"], frame["type"], frame["data"]) for frame in frames
    ]
    assert heard[0].data["task"] == task


async def test_m038_the_state_always_has_every_part(ana, gateway):
    state = (await ana.get("/api/v1/state")).json()
    parts = {"tasks", "notes", "messages", "conversations", "pinnedMemories", "calendar", "personas", "activeSessions"}
    assert {name for name in parts if state[name] == []} == parts
    assert (state["preferences"], state["plan"], state["version"], state["userId"]) == ({}, {}, 0, "ana")
    assert {"cursor", "lastSnapshotTs"} < state.keys()
    assert not {"since", "removed"} & state.keys()


async def test_m038_since_a_version_there_is_what_changed_and_what_is_gone(ana, gateway):
    gone, _ = await new_task(ana), await made(ana, "/api/v1/preferences", {"a": 1}, "PUT")
    before = (await ana.get("/api/v1/state")).json()
    await made(ana, "/api/v1/tasks", {"action": "delete", "task": {"id": gone["id"]}})
    task = await new_task(ana)
    change = (await ana.get("/api/v1/state", params={"since": before["version"]})).json()
    assert (change["tasks"], change["removed"]["tasks"], change["since"]) == ([task], [gone["id"]], before["version"])
    assert (change["preferences"], change["version"]) == (None, before["version"] + 2)
    await ana.get("/api/v1/state?since=2026-01-31T09:00:00+01:00")
    assert gateway.memory.since[-1] == "2026-01-31T08:00:00Z"


@pytest.mark.parametrize(
    "since", ["", "-1", "1.5", "abc", "yesterday", "2026-01-31", "2026-01-31T09:00:00", "9" * 19, "0001-01-01T00:00:00+14:00"]
)
async def test_m038_since_is_a_version_or_a_time_with_its_offset(ana, since):
    response = await ana.get("/api/v1/state", params={"since": since})
    assert (response.status_code, response.json()["error"]["code"]) == (422, "invalid_request")
