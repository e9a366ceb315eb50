"""N12: a snapshot and its cursor fit: every later version is followed once, none that is in it already; texts are whole."""

import asyncio
import json
import random
from typing import Any

import httpx
import pytest
from person_double import NOW

from gateway import partial, snapshot
from shared.bus import Entry
from shared.contract import events
from shared.contract.changes import TaskCreated
from shared.contract.person import Task
from shared.contract.subjects import state_event
from shared.ids import new_id

SNAPSHOTS = 40
WRITES = 250
TOKENS = 150


def new_task() -> Task:
    return Task(id=new_id("t"), title="a", status="open", created_at=NOW, updated_at=NOW)


async def state_of(client: httpx.AsyncClient, **parameters: Any) -> dict[str, Any]:
    response = await client.get("/api/v1/state", params=parameters)
    assert response.status_code == 200, response.text
    return response.json()


async def followed(client: httpx.AsyncClient, cursor: str, until: int) -> list[tuple[str, dict[str, Any]]]:
    """Every event after the cursor, up to the last one of version `until`."""
    heard: list[tuple[str, dict[str, Any]]] = []
    async with asyncio.timeout(60), client.stream("GET", f"/api/v1/stream?after={cursor}") as response:
        name = ""
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                heard.append((name, json.loads(line[6:])))
                assert name != "reset"
                if name == "state.updated" and heard[-1][1]["version"] == until:
                    return heard
    raise AssertionError("the stream has ended")


def check_versions(state: dict[str, Any], heard: list[tuple[str, dict[str, Any]]], until: int) -> None:
    updates = [event["version"] for name, event in heard if name == "state.updated"]
    assert updates == list(range(state["version"] + 1, until + 1))
    created = [event["version"] for name, event in heard if name == "task.created"]
    assert len(created) == len(set(created))
    assert all(version > state["version"] for version in created)
    known = {task["id"] for task in state["tasks"]}
    assert not known & {event["task"]["id"] for name, event in heard if name == "task.created"}


def folded(state: dict[str, Any], heard: list[tuple[str, dict[str, Any]]]) -> dict[str, str]:
    """Texts of answers, from what the snapshot has of them and the tokens after it: ends are left out on purpose."""
    texts = {message["id"]: message["text"] for message in state["messages"] if message["role"] == "assistant"}
    ended = {message["id"] for message in state["messages"] if message["status"] == "completed"}
    for name, event in heard:
        if name in ("generation.started", "generation.restarted"):
            texts[event["messageId"]] = ""
        elif name == "llm.token" and event["messageId"] not in ended:
            texts[event["messageId"]] = texts.get(event["messageId"], "") + event["token"]
    return texts


async def test_n12_while_others_write_every_snapshot_continues_without_gap_or_overlap(ana, gateway, monkeypatch):
    monkeypatch.setattr(snapshot, "WAIT_SECONDS", 60.0)
    person = gateway.memory.person
    person.lag = lambda: random.random() * 0.01 if random.random() < 0.2 else 0.0
    states: list[dict[str, Any]] = []
    live: list[asyncio.Task[Any]] = []
    last = 3 * WRITES + 1

    async def write() -> None:
        for _ in range(WRITES):
            fact = TaskCreated(id=new_id("e"), at=NOW, version=person.versions["ana"] + 1, task=new_task())
            person.objects["tasks"][fact.task.id] = ("ana", fact.task)
            await person.advance("ana", (state_event("ana", "tasks"), fact))
            await asyncio.sleep(random.random() * 0.03)

    async def read(follows: asyncio.TaskGroup) -> None:
        for number in range(SNAPSHOTS):
            states.append(await state_of(ana))
            if number % 4 == 0:
                live.append(follows.create_task(followed(ana, states[-1]["cursor"], last)))
            await asyncio.sleep(random.random() * 0.02)

    async with asyncio.TaskGroup() as tasks:
        writing = [tasks.create_task(write()) for _ in range(3)]
        reading = tasks.create_task(read(tasks))
        await asyncio.wait([*writing, reading])
        await person.advance("ana")
    assert person.versions["ana"] == last
    for number, state in enumerate(states):
        heard = live[number // 4].result() if number % 4 == 0 else await followed(ana, state["cursor"], last)
        check_versions(state, heard, last)
    assert len({state["version"] for state in states}) > 5, "nobody wrote meanwhile"


async def test_n12_the_text_of_a_running_answer_is_whole_from_any_snapshot(ana, gateway):
    person = gateway.memory.person
    person.lag = lambda: random.random() * 0.003
    sent = [(await ana.post("/api/v1/message", json={"text": f"/trickle {TOKENS}"})).json() for _ in range(3)]
    answers = {accepted["answerId"] for accepted in sent}
    states = []
    while not states or any(message["status"] in ("pending", "streaming") for message in states[-1]["messages"]):
        states.append(await state_of(ana))
        await person.advance("ana")
    until = await person.advance("ana")
    whole = "".join(f"{n} " for n in range(TOKENS))
    running = 0
    for state in states:
        heard = await followed(ana, state["cursor"], until)
        texts = folded(state, heard)
        assert {id_: texts[id_] for id_ in answers} == dict.fromkeys(answers, whole)
        for message in state["messages"]:
            running += message["status"] == "streaming" and 0 < len(message["text"]) < len(whole)
            if message["status"] == "streaming":
                following = [event for name, event in heard if name == "llm.token" and event["messageId"] == message["id"]]
                same = [event["index"] for event in following if event["attempt"] == message["attempt"]]
                assert same[:1] in ([message["nextIndex"]], [])
    assert running > 3, "no snapshot fell into an answer"


async def test_n12_a_user_whose_events_have_expired_follows_from_now(ana, gateway):
    person = gateway.memory.person
    await gateway.memory.person.advance("bob")
    person.versions["ana"] = 7
    for _ in range(2):
        state = await state_of(ana)
        until = await person.advance("ana")
        check_versions(state, await followed(ana, state["cursor"], until), until)
        person.versions["ana"] = until
    assert (await state_of(ana))["version"] == until == 9


async def test_n12_the_first_change_of_all_is_not_followed_again(ana, gateway):
    gateway.memory.person.lag = lambda: 0.1
    await gateway.memory.person.advance("ana")
    state = await state_of(ana)
    await gateway.memory.person.advance("ana")
    check_versions(state, await followed(ana, state["cursor"], 2), 2)
    assert state["version"] == 1


async def test_f10_when_the_events_of_a_version_are_late_some_come_again_and_none_is_missed(ana, gateway, monkeypatch):
    monkeypatch.setattr(snapshot, "WAIT_SECONDS", 0.1)
    person = gateway.memory.person
    await person.advance("ana")
    person.lag = lambda: 1.0
    await person.advance("ana")
    state = await state_of(ana)
    heard = await followed(ana, state["cursor"], 2)
    assert (state["version"], [event["version"] for _, event in heard]) == (2, [2])


async def test_a_version_whose_event_was_set_aside_costs_no_later_event(ana, gateway):
    person = gateway.memory.person
    await person.advance("ana")
    person.versions["ana"] = 2  # never told
    asking = asyncio.create_task(state_of(ana))
    while not gateway.memory.since:
        await asyncio.sleep(0)
    await person.advance("ana")
    state = await asking
    heard = await followed(ana, state["cursor"], 3)
    assert (state["version"], [event["version"] for _, event in heard]) == (2, [3])


async def test_f42_after_an_older_backup_the_cursor_is_that_of_now(ana, gateway):
    person = gateway.memory.person
    for _ in range(5):
        await person.advance("ana")
    person.versions["ana"] = 3
    state = await state_of(ana)
    until = await person.advance("ana")
    check_versions(state, await followed(ana, state["cursor"], until), until)


@pytest.mark.parametrize("user", ["x-ray", "ä b", "a" * 200])
async def test_n12_whatever_the_user_is_called(gateway, user):
    client = await gateway.client(user)
    gateway.memory.person.lag = lambda: 0.02
    for number in range(1, 4):
        await gateway.memory.person.advance(user)
        state = await state_of(client)
        assert state["version"] == number
    await gateway.memory.person.advance(user)
    check_versions(state, await followed(client, state["cursor"], 4), 4)


def logged(*facts: events.ConversationEvent) -> list[Entry]:
    return [(place, fact.type_name.encode(), fact.encode()) for place, fact in enumerate(facts, start=1)]


def test_n12_a_running_answer_is_shown_with_its_reasoning_its_tools_and_what_it_asked_for():
    fact = {"at": NOW, "conversation_id": "c_1", "generation_id": "g_1", "message_id": "m_1", "attempt": 2}
    mail = {"tool_call_id": "call_1", "name": "mail__send"}
    log = logged(
        events.GenerationRestarted(id="e_0", **fact, model="double"),
        events.Reasoning(id="e_1", **fact, token="Hm. ", index=0),
        events.ToolStarted(id="e_2", **fact, **mail, arguments={"to": "bob"}),
        events.ToolStarted(id="e_3", **fact, tool_call_id="call_2", name="find", arguments={}),
        events.ToolFinished(id="e_4", **fact, **mail, status="completed", result="sent", duration_ms=12),
        events.ActionAsked(id="e_5", **fact, tool_call_id="call_3", event="create_note", payload={"text": "x"}),
        events.Token(id="e_6", **fact, token="Done", index=1),
    )
    told = partial.folded(log, 7)
    assert told is not None
    sent = {"id": "call_1", "name": "mail__send", "arguments": {"to": "bob"}}
    assert told.wire() == {
        "text": "Done",
        "status": "streaming",
        "attempt": 2,
        "nextIndex": 2,
        "reasoning": "Hm. ",
        "toolCalls": [
            {**sent, "status": "completed", "result": "sent", "durationMs": 12},
            {"id": "call_2", "name": "find", "arguments": {}, "status": "running"},
        ],
        "actionsAsked": [{"toolCallId": "call_3", "event": "create_note", "payload": {"text": "x"}}],
    }
    before = partial.folded(log, 3)
    assert before is not None
    assert before.wire()["toolCalls"] == [{**sent, "status": "running"}]
    assert partial.folded(log, 0) is None


def test_n12_a_new_attempt_begins_with_nothing():
    fact = {"at": NOW, "conversation_id": "c_1", "generation_id": "g_1", "message_id": "m_1"}
    first = events.ToolStarted(id="e_1", **fact, attempt=1, tool_call_id="call_1", name="find", arguments={})
    again = events.GenerationRestarted(id="e_2", **fact, attempt=2, model="double")
    told = partial.folded(logged(first, again), 2)
    assert told is not None
    assert told.wire() == {"text": "", "status": "streaming", "attempt": 2, "nextIndex": 0}
