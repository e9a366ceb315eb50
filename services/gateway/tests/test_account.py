"""N17: a whole account is taken along line by line, or erased; and what other services may store (M095)."""

import asyncio
import json
from collections.abc import AsyncIterable

import httpx
import pytest
import websockets
from reading import events
from test_socket import connected

from gateway import routes
from gateway.app import opened
from gateway.faults import Misconfigured
from gateway.settings import GatewaySettings
from shared.errors import Unavailable

TOKEN = "a service token of 32 characters"
OUTPUT = {"userId": "ana", "text": "It is done."}


def lines_of(response: httpx.Response):
    assert response.text.endswith("\n")
    return [json.loads(line) for line in response.text.split("\n")[:-1]]


async def everything(source: AsyncIterable[object]) -> None:
    async with asyncio.timeout(20):
        async for _ in source:
            pass


async def everything_said(socket: websockets.ClientConnection) -> None:
    async with asyncio.timeout(20):
        while True:
            await socket.recv()


async def test_n17_an_export_is_json_lines_from_beginning_to_end(ana, gateway):
    gateway.memory.person.pages = [[{"type": "task", "n": n} for n in range(2)], [], [{"type": "note", "text": "ä\u2028\n"}]]
    response = await ana.get("/api/v1/export")
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.headers["content-disposition"].startswith('attachment; filename="colloquy-20')
    begin, *middle, end = lines_of(response)
    assert (begin["type"], begin["userId"], begin["total"]) == ("export", "ana", 3)
    assert [line["type"] for line in middle] == ["task", "task", "progress", "progress", "note", "progress"]
    assert (middle[-2]["text"], [line["done"] for line in middle if line["type"] == "progress"]) == ("ä\u2028\n", [2, 2, 3])
    assert end == {"type": "end", "done": 3, "total": 3}


async def test_n17_what_fails_before_the_first_line_has_its_status_and_what_fails_later_is_the_last_line(ana, gateway):
    gateway.memory.person.pages = [Unavailable()]
    assert (await ana.get("/api/v1/export")).status_code == 503
    gateway.memory.person.pages = [[{"type": "task"}], Unavailable(), [{"type": "note"}]]
    *_, last = lines_of(await ana.get("/api/v1/export"))
    assert (last["type"], last["error"]["code"]) == ("error", "unavailable")
    assert last["error"]["requestId"]


async def test_n17_an_export_goes_at_the_pace_of_who_reads_it_and_is_cut_for_who_does_not(run_gateway):
    gateway = await run_gateway(write_seconds=0.5, streams_per_user=1)
    ana = await gateway.client()
    gateway.memory.person.pages = [[{"type": "note", "text": "x" * 500_000}]] * 200
    async with ana.stream("GET", "/api/v1/export") as response:
        body = response.aiter_raw()
        assert b'"type":"export"' in await anext(body)
        async with asyncio.timeout(20):
            while (await ana.get("/api/v1/export")).status_code == 429:  # nobody reads the first one
                await asyncio.sleep(0.1)
                asked = len(gateway.memory.person.asked)
        assert asked < 100
        with pytest.raises(httpx.HTTPError):
            await everything(body)


async def test_an_export_counts_as_an_open_stream(run_gateway):
    ana = await (await run_gateway(streams_per_user=1)).client()
    async with ana.stream("GET", "/api/v1/stream"):
        response = await ana.get("/api/v1/export")
        assert (response.status_code, response.json()["error"]["code"]) == (429, "too_many_streams")
    for _ in range(2):
        assert (await ana.get("/api/v1/export")).status_code == 200


async def test_n17_erasing_an_account_ends_its_streams_and_nobody_elses(gateway, ana, bob):
    await ana.post("/api/v1/notes", json={"text": "a"})
    accepted = (await ana.post("/api/v1/message", json={"text": "/hold"})).json()
    begun = [asyncio.Event() for _ in range(3)]
    async with asyncio.TaskGroup() as tasks, connected(gateway) as socket, connected(gateway, "bob") as other:
        whole = tasks.create_task(events(ana, "/api/v1/stream", last="reset", begun=begun[0]))
        path = f"/api/v1/stream/{accepted['conversationId']}"
        one = tasks.create_task(events(ana, path, last="reset", begun=begun[1]))
        bobs = tasks.create_task(events(bob, "/api/v1/stream", last="note.created", begun=begun[2]))
        for event in begun:
            await event.wait()
        response = await ana.delete("/api/v1/account")
        assert (response.status_code, response.json()["erased"]["notes"]) == (200, 1)
        cookies = " ".join(response.headers.get_list("set-cookie"))
        assert cookies.count("Max-Age=0") == 3
        assert [(await stream)[-1].data for stream in (whole, one)] == [{"reason": "erased"}] * 2
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await everything_said(socket)
        assert closed.value.rcvd.code == 4410
        await bob.post("/api/v1/notes", json={"text": "b"})
        assert (await bobs)[-1].name == "note.created"
        assert json.loads(await other.recv())["type"] == "note.created"
    again = await ana.delete("/api/v1/account")
    assert (again.status_code, again.json()["erased"]["notes"]) == (200, 0)


async def test_n17_an_erasure_may_take_longer_than_other_calls(run_gateway):
    gateway = await run_gateway(call_seconds=0.2)
    ana = await gateway.client()
    gateway.memory.person.slow = 1.0
    assert (await ana.delete("/api/v1/account")).json() == {"erased": {}}


async def test_n17_an_erasure_whose_worker_died_is_asked_about_again(run_gateway, monkeypatch):
    monkeypatch.setattr(routes.account, "TURN_SECONDS", 0.3)
    gateway = await run_gateway()
    ana = await gateway.client()
    await ana.post("/api/v1/notes", json={"text": "a"})
    gateway.memory.person.dying, gateway.memory.person.claimed = 1, 1
    response = await ana.delete("/api/v1/account")
    assert (response.status_code, response.json()["erased"]["notes"]) == (200, 1)
    gateway.memory.person.claimed = 1
    response = await ana.delete("/api/v1/account")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "being_erased"), "another call is at it"
    gateway.memory.person.dying = 100
    response = await (await (await run_gateway(erase_seconds=0.6)).client()).delete("/api/v1/account")
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")


async def test_m095_only_the_service_token_opens_the_call_for_services(run_gateway):
    gateway = await run_gateway(service_token=TOKEN)
    anybody = await gateway.client(None)
    for headers, status in (
        ({}, 401),
        ({"authorization": "Basic abc"}, 401),
        ({"authorization": "Bearer"}, 403),
        ({"authorization": f"Bearer {TOKEN}x"}, 403),
        ({"authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJl"}, 403),
        ({"authorization": "Bearer ä".encode("latin-1")}, 403),
    ):
        for body in (OUTPUT, {"nonsense": 1}):
            response = await anybody.post("/api/v1/complete-llm", json=body, headers=headers)
            assert response.status_code == status, headers
    response = await (await gateway.client("ana")).post("/api/v1/complete-llm", json=OUTPUT)
    assert response.status_code == 401
    assert gateway.memory.person.outputs == []


async def test_m095_without_a_service_token_nobody_may_and_the_answer_says_what_to_set(ana, gateway):
    for headers in ({}, {"authorization": "Bearer"}, {"authorization": "Bearer x"}):
        response = await ana.post("/api/v1/complete-llm", json=OUTPUT, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (403, "no_service_token")
        assert "GATEWAY_SERVICE_TOKEN" in response.json()["error"]["message"]
    assert gateway.memory.person.outputs == []


async def test_m095_a_short_service_token_is_refused_at_the_start(new_bus):
    with pytest.raises(Misconfigured, match="GATEWAY_SERVICE_TOKEN"):
        async with opened(GatewaySettings(port=0, service_token="short"), await new_bus("gateway")):
            pass


async def test_m095_an_output_is_stored_with_what_it_asks_for(run_gateway):
    gateway = await run_gateway(service_token=TOKEN)
    service = await gateway.client(None, headers={"authorization": f"Bearer {TOKEN}"})
    body = {
        **OUTPUT,
        "model": "m",
        "usage": {"promptTokens": 3, "totalTokens": 3},
        "actions": [{"event": "create_note", "payload": {"text": "a", "n": [1, {"x": None}]}}],
        "tasks": [{"title": "Call John", "due": "2026-01-31", "tags": ["phone"]}],
        "summary": "Short.",
        "promptHash": "sha256:abc=",
        "operationId": "op-1",
    }
    for headers in ({}, {"idempotency-key": "op-1"}):
        response = await service.post("/api/v1/complete-llm", json=body, headers=headers)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert (answer["status"], answer["message"]["text"]) == ("stored", "It is done.")
        assert [task["title"] for task in answer["tasks"]] == ["Call John"]
    (order,) = gateway.memory.person.outputs
    assert (order.user, order.asked_by, order.operation_id, order.usage.prompt_tokens) == ("ana", "service", "op-1", 3)
    assert [action.wire() for action in order.actions] == [
        {"event": "create_note", "payload": {"text": "a", "n": [1, {"x": None}]}},
        {"event": "create_task", "payload": {"title": "Call John", "due": "2026-01-31", "tags": ["phone"]}},
    ]
    response = await service.post("/api/v1/complete-llm", json=body, headers={"idempotency-key": "other"})
    assert response.json()["error"]["code"] == "idempotency_mismatch"


@pytest.mark.parametrize(
    "change",
    [
        {"userId": ""},
        {"userId": "a" * 256},
        {"userId": 5},
        {"conversationId": "a.b"},
        {"text": None},
        {"usage": {"promptTokens": -1}},
        {"usage": {"promptTokens": 2**60}},
        {"actions": [{"event": "delete_everything", "payload": {}}]},
        {"actions": [{"event": "create_task", "payload": []}]},
        {"tasks": [{"title": " "}]},
        {"tasks": [{"title": "a"}] * 65},
        {"promptHash": "a b"},
        {"surprise": 1},
    ],
)
async def test_f35_what_is_no_output_is_refused(run_gateway, change):
    gateway = await run_gateway(service_token=TOKEN)
    service = await gateway.client(None, headers={"authorization": f"Bearer {TOKEN}"})
    response = await service.post("/api/v1/complete-llm", json=OUTPUT | change)
    assert response.status_code == 422, response.text
    assert gateway.memory.person.outputs == []
