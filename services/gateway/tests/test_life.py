"""The gateway's own life: ready, watched, told to stop, without its neighbours."""

import asyncio
import json
import re
from typing import Any

import httpx
import jsonschema
import pytest
from reading import events

from gateway.app import opened
from gateway.settings import GatewaySettings
from shared.contract.events import EVENTS
from shared.errors import StorageFull, Unavailable


async def test_it_is_ready_when_memory_answers(gateway):
    client = await gateway.client(None)
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json() == {"status": "ready"}


async def test_f6_without_memory_it_is_alive_but_not_ready_and_says_when_to_come_back(new_bus):
    bus = await new_bus("gateway")
    async with opened(GatewaySettings(port=0, call_seconds=0.2), bus) as port, httpx.AsyncClient(trust_env=False) as client:
        url = f"http://127.0.0.1:{port}"
        assert (await client.get(f"{url}/healthz")).status_code == 200
        for path in ("/readyz", "/api/v1/state?user=ana", "/api/v1/stream/c_1?user=ana"):
            response = await client.get(url + path)
            assert (response.status_code, response.json()["error"]["code"]) == (503, "unavailable"), path
            assert response.headers["retry-after"]


async def test_f6_who_comes_back_with_a_cursor_reads_on_while_memory_is_away(run_gateway, memory):
    gateway = await run_gateway(call_seconds=0.3)
    ana = await gateway.client()
    accepted = (await ana.post("/api/v1/message", json={"text": "count to 3"})).json()
    whole = await events(ana, accepted["streamUrl"], last="message.completed")

    def away(*_):
        raise Unavailable

    memory.own = away
    rest = await events(ana, accepted["streamUrl"], last="message.completed", headers={"last-event-id": whole[1].id})
    assert rest == whole[2:]


async def test_f13_a_full_store_is_507_with_retry_after(ana, gateway):
    gateway.memory.failing = StorageFull()
    response = await ana.post("/api/v1/message", json={"text": "a"})
    assert (response.status_code, response.json()["error"]["code"]) == (507, "storage_full")
    assert response.headers["retry-after"]


async def test_a_bug_elsewhere_is_a_500_that_tells_nothing(ana, gateway):
    gateway.memory.failing = RuntimeError("secret detail")
    response = await ana.post("/api/v1/message", json={"text": "a"})
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal"
    assert "secret" not in response.text


async def test_m023_every_answer_has_a_request_id(ana):
    assert (await ana.get("/api/v1/state", headers={"x-request-id": "mine-1"})).headers["x-request-id"] == "mine-1"
    for bad in ("a b", "x" * 65, "ä".encode("latin-1")):
        response = await ana.get("/nothing", headers={"x-request-id": bad})
        assert re.fullmatch(r"[A-Za-z0-9_-]+", response.headers["x-request-id"])
        assert response.json()["error"]["requestId"] == response.headers["x-request-id"]


async def test_f14_a_gateway_whose_memory_cannot_write_is_not_ready(ana, gateway):
    gateway.memory.failing = StorageFull()
    response = await ana.get("/readyz")
    assert (response.status_code, response.json()["error"]["code"]) == (507, "storage_full")
    gateway.memory.failing = None
    assert (await ana.get("/readyz")).status_code == 200


async def test_s7_every_answer_has_the_headers_that_keep_browsers_safe(ana):
    for path in (
        "/",
        "/docs",
        "/page/docs.js",
        "/page/swagger-ui-bundle.js",
        "/page/icon.svg",
        "/api/v1/state",
        "/nothing",
        "/healthz",
    ):
        response = await ana.get(path)
        assert response.headers["x-content-type-options"] == "nosniff", path
        assert response.headers["x-frame-options"] == "DENY", path
        assert "cache-control" in response.headers, path
        assert "server" not in response.headers
    page = await ana.get("/")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "require-trusted-types-for 'script'" in page.headers["content-security-policy"]
    assert "<script>" not in page.text


async def test_what_happens_is_counted_by_route(ana):
    await ana.get("/api/v1/conversations/c_1")
    await ana.get("/nothing/at/all")
    await ana.get("/api/v1/stream/c_1")
    metrics = (await ana.get("/metrics")).text
    for route, status in (
        ("/api/v1/conversations/{conversation_id}", 404),
        ("unmatched", 404),
        ("/api/v1/stream/{conversationId}", 404),
    ):
        assert f'colloquy_http_requests_total{{method="GET",route="{route}",status="{status}"}}' in metrics
    assert "c_1" not in metrics


async def test_docs_and_metrics_can_be_hidden(run_gateway):
    client = await (await run_gateway(docs=False, metrics=False)).client()
    for path in ("/docs", "/openapi.json", "/asyncapi.json", "/metrics"):
        assert (await client.get(path)).status_code == 404, path


async def test_the_document_has_every_route(ana):
    document = (await ana.get("/openapi.json")).json()
    for path, method in (
        ("/api/v1/message", "post"),
        ("/api/v1/stream", "get"),
        ("/api/v1/stream/{conversationId}", "get"),
        ("/api/v1/messages/{message_id}", "put"),
        ("/api/chat/stream", "post"),
        ("/v1/chat/completions", "post"),
    ):
        assert document["paths"][path][method]["responses"], path
    assert "HTTPValidationError" not in document["components"]["schemas"], "that is not how our errors look"
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))


async def test_every_event_is_described_and_is_what_the_stream_sends(ana):
    document = (await ana.get("/asyncapi.json")).json()
    messages, schemas = document["components"]["messages"], document["components"]["schemas"]
    assert set(messages) == {*EVENTS, "done", "reset", "reconnect"}
    assert set(document["channels"]["user"]["messages"]) == set(messages)
    for reference in re.findall(r'"#/components/(\w+)/([^"]+)"', json.dumps(document)):
        assert reference[1] in document["components"][reference[0]], reference
    sent = (await ana.post("/api/v1/message", json={"text": "count to 2"})).json()
    for event in await events(ana, sent["streamUrl"], last="message.completed"):
        payload = {**messages[event.name]["payload"], "components": {"schemas": schemas}}
        jsonschema.validate(event.data, payload)


async def test_m008_presence_is_told_to_memory(ana, gateway):
    async with ana.stream("GET", "/api/v1/stream", headers={"user-agent": "a browser"}):
        async with asyncio.timeout(10):
            while not any(report.changes for report in gateway.memory.presence):
                await asyncio.sleep(0.05)
    opened = [change for report in gateway.memory.presence for change in report.changes]
    assert [(change.user, change.device, change.active) for change in opened] == [("ana", "a browser", True)]
    async with asyncio.timeout(10):
        while len([change for report in gateway.memory.presence for change in report.changes]) < 2:
            await asyncio.sleep(0.05)
    closed = gateway.memory.presence[-1].changes[-1]
    assert (closed.session_id, closed.active) == (opened[0].session_id, False)


async def test_f31_at_shutdown_every_stream_is_told_to_reconnect_and_calls_end(gateway):
    ana = await gateway.client()
    accepted = (await ana.post("/api/v1/message", json={"text": "/hold"})).json()
    await events(ana, accepted["streamUrl"], last="llm.token")
    async with asyncio.timeout(15):
        streams = [await opened_stream(ana, accepted["streamUrl"]) for _ in range(10)]
        streams.append(await opened_stream(ana, "/api/chat/stream", {"message": "/hold"}))
        completion = {"messages": [{"role": "user", "content": "/hold"}]}
        calls = [
            asyncio.create_task(ana.post("/api/chat", json={"message": "/hold"})),
            asyncio.create_task(ana.post("/v1/chat/completions", json=completion)),
        ]
        while len(gateway.memory.sent) < 4:
            await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        await gateway.stop()
    for stream in streams:
        assert (await stream)[-1].name == "reconnect"
    for call in calls:
        response = await call
        assert response.status_code == 503
        assert "stopping" in response.text
    with pytest.raises(httpx.ConnectError):
        await ana.get("/healthz")


async def opened_stream(client, path, body=None):
    begun = asyncio.Event()
    reading = asyncio.create_task(events(client, path, body=body, begun=begun))
    await begun.wait()
    return reading


async def test_m008_who_was_connected_at_shutdown_is_not_any_more(gateway):
    ana = await gateway.client()
    stream = await opened_stream(ana, "/api/v1/stream")
    await gateway.stop()
    await stream
    assert gateway.memory.presence[-1].changes[-1].active is False


async def test_f31_a_stopped_gateway_takes_nothing_new(gateway):
    ana = await gateway.client()
    await ana.get("/healthz")
    stopping = asyncio.create_task(gateway.stop())
    await asyncio.sleep(0)
    try:
        response = await ana.post("/api/v1/message", json={"text": "a"})
        assert response.status_code == 503
        assert json.loads(response.text)["error"]["code"] in {"stopping", "unavailable"}
    except httpx.TransportError:
        pass
    await stopping
    assert gateway.memory.sent == []


async def test_requests_that_are_sent_ahead_are_answered_in_order(gateway):
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    paths = ["/api/v1/conversations?user=ana", "/healthz", "/nowhere", "/healthz"]
    writer.write(b"".join(f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode() for path in paths))
    try:
        async with asyncio.timeout(10):
            answers = [await one_answer(reader) for _ in paths]
    finally:
        writer.close()
    assert [sorted(answer) for answer in answers] == [["conversations", "next"], ["status"], ["error"], ["status"]]


async def one_answer(reader: asyncio.StreamReader) -> dict[str, object]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    return json.loads(await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0])))


async def test_the_document_says_what_every_call_answers_with(ana):
    document = (await ana.get("/openapi.json")).json()
    silent = [
        (method, path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if not {"204", "303"} & set(operation["responses"]) and not shown(operation)
    ]
    assert silent == []


async def test_answers_are_as_the_document_says(ana):
    document = (await ana.get("/openapi.json")).json()
    sent = (await ana.post("/api/v1/message", json={"text": "count to 2"})).json()
    await events(ana, sent["streamUrl"], last="message.completed")
    conversation = sent["conversationId"]
    calls = {
        ("post", "/api/v1/message"): {"json": {"text": "a"}},
        ("post", "/api/chat"): {"json": {"message": "a"}},
        ("post", "/sendMessage"): {"json": {"text": "a"}},
        ("post", "/api/v1/conversations"): {"json": {}},
        ("get", "/api/v1/conversations"): {},
        ("get", "/api/v1/conversations/{conversation_id}"): {},
        ("get", "/api/v1/conversations/{conversation_id}/messages"): {},
        ("get", "/api/v1/state"): {},
        ("get", "/api/history"): {},
        ("get", "/listChats"): {},
        ("get", "/retrieveChat"): {"params": {"chatId": conversation}},
        ("get", "/v1/models"): {},
        ("get", "/readyz"): {},
        ("post", "/api/v1/session"): {},
        ("post", "/api/v1/conversations/{conversation_id}/stop"): {"json": {}},
        ("post", "/api/clear"): {"json": {}},
    }
    for (method, path), options in calls.items():
        response = await ana.request(method, path.format(conversation_id=conversation), **options)
        assert str(response.status_code) in document["paths"][path][method]["responses"], path
        name = shown(document["paths"][path][method])["$ref"].rpartition("/")[2]
        schema = document["components"]["schemas"][name]
        assert set(schema["required"]) <= set(response.json()) <= set(schema["properties"]), path


def well(operation: dict[str, Any]) -> set[str]:
    return {status for status in operation["responses"] if status.startswith("2")}


def shown(operation: dict[str, Any]) -> dict[str, Any]:
    """The schema of what the call answers with when all is well and there is something to say."""
    (status,) = well(operation) - {"204"}
    return next(iter(operation["responses"][status].get("content", {}).values()), {}).get("schema", {})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_who_balances_load_may_ask_with_head(ana, path):
    response = await ana.head(path)
    assert (response.status_code, response.content) == (200, b"")
