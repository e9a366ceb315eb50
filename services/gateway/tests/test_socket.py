"""M006, M007: the WebSocket, both ways."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
import websockets
from memory_double import NOW

from shared.contract.events import StateUpdated
from shared.contract.subjects import conversation_event


@asynccontextmanager
async def connected(gateway, user="ana", query="", **headers):
    url = gateway.url.replace("http", "ws") + f"/ws?user={user}{query}"
    async with websockets.connect(url, additional_headers=headers, proxy=None) as socket:
        yield socket


async def heard_until(socket, kind):
    heard = []
    async with asyncio.timeout(15):
        while not heard or heard[-1]["type"] != kind:
            heard.append(json.loads(await socket.recv()))
    return heard


async def say(socket, **message):
    await socket.send(json.dumps(message))


async def test_m006_messages_go_in_and_the_users_stream_comes_out(gateway):
    async with connected(gateway) as one, connected(gateway) as two, connected(gateway, "bob") as foreign:
        await say(one, type="message", text="count to 3", clientMessageId="k1")
        heard = await heard_until(one, "message.completed")
        (accepted,) = [frame for frame in heard if frame["type"] == "accepted"]
        assert accepted["clientMessageId"] == "k1"
        tokens = [frame["data"]["token"] for frame in heard if frame["type"] == "llm.token"]
        assert "".join(tokens) == "1 2 3 "
        other = await heard_until(two, "message.completed")
        assert [frame for frame in other if "id" in frame] == [frame for frame in heard if "id" in frame]
        await say(foreign, type="ping")
        assert await heard_until(foreign, "pong") == [{"type": "pong"}]


async def test_a_socket_goes_on_after_a_cursor(gateway):
    async with connected(gateway) as socket:
        await say(socket, type="message", text="count to 3")
        whole = [frame for frame in await heard_until(socket, "message.completed") if "id" in frame]
        await heard_until(socket, "state.updated")  # the last of its version: nothing comes by itself any more
        await say(socket, type="resume", after=whole[1]["id"])
        assert await heard_until(socket, "message.completed") == whole[2:]
    async with connected(gateway, query=f"&after={whole[3]['id']}") as socket:
        assert await heard_until(socket, "message.completed") == whole[4:]


async def test_stop_over_the_socket(gateway):
    async with connected(gateway) as socket:
        await say(socket, type="message", text="/hold")
        heard = await heard_until(socket, "llm.token")
        conversation = heard[-1]["data"]["conversationId"]
        await say(socket, type="stop", conversationId=conversation)
        stopped = await heard_until(socket, "message.cancelled")
        assert [frame["generationIds"] for frame in stopped if frame["type"] == "stopping"]


@pytest.mark.parametrize(
    "frame",
    [
        "hello",
        "[]",
        "{}",
        '{"type": "dance"}',
        '{"type": "message"}',
        '{"type": "message", "text": 5}',
        '{"type": "message", "text": ""}',
        '{"type": "message", "text": NaN}',
        r'{"type": "message", "text": "\ud800"}',
        '{"type": "message", "text": "a", "surprise": 1}',
        '{"type": "message", "text": "a", "conversationId": "a.*"}',
        '{"type": "message", "text": "a", "conversationId": "c_1"}',
        '{"type": "message", "text": "a", "userId": "bob"}',
        '{"type": "message", "text": "' + "x" * 40_000 + '"}',
        '{"type": "stop"}',
        '{"type": "stop", "conversationId": "c_1"}',
        '{"type": "resume", "after": "nonsense"}',
        '{"type": "resume"}',
        "[" * 10_000,
    ],
)
async def test_f35_what_the_socket_cannot_read_is_an_error_and_it_stays_open(gateway, frame):
    async with connected(gateway) as socket:
        for said in (frame, frame.encode()):
            await socket.send(said)
            (error,) = await heard_until(socket, "error")
            assert error["error"]["code"]
            assert error["error"]["requestId"]
        await say(socket, type="ping")
        assert await heard_until(socket, "pong") == [{"type": "pong"}]
    assert gateway.memory.sent == []


async def test_s21_a_foreign_page_gets_no_socket(gateway):
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}):
        with pytest.raises(websockets.InvalidStatus) as caught:
            async with connected(gateway, **headers):
                pass
        assert caught.value.response.status_code == 403


async def test_a_frame_that_is_too_large_closes_the_socket(gateway):
    async with connected(gateway) as socket:
        await socket.send("x" * 3_000_000)
        with pytest.raises(websockets.ConnectionClosed):
            await heard_until(socket, "never")


async def test_f31_a_socket_is_told_to_reconnect_at_shutdown(gateway):
    async with connected(gateway) as socket:
        await say(socket, type="ping")
        await heard_until(socket, "pong")
        stopping = asyncio.create_task(gateway.stop())
        assert await heard_until(socket, "reconnect") == [{"type": "reconnect"}]
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1012
        async with asyncio.timeout(10):
            await stopping


async def test_other_addresses_are_no_sockets(gateway):
    with pytest.raises(websockets.InvalidStatus) as caught:
        async with websockets.connect(gateway.url.replace("http", "ws") + "/other", proxy=None):
            pass
    assert caught.value.response.status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        "sec-websocket-key: x\r\nsec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 5",
        "sec-websocket-version: 13",
    ],
)
async def test_f35_a_handshake_that_is_none_is_refused_without_an_error_in_the_log(gateway, wrong):
    bugs = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: bugs.append(context["message"]))
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        asked = f"GET /ws?user=ana HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n{wrong}\r\n\r\n"
        writer.write(asked.encode())
        async with asyncio.timeout(20):
            answer = await reader.read()
    finally:
        writer.close()
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 426 "))
    assert bugs == []


async def test_f17_a_socket_that_does_not_read_is_cut(run_gateway, memory):
    gateway = await run_gateway(write_seconds=0.3)
    client = await gateway.client()
    async with connected(gateway) as socket:
        await say(socket, type="ping")
        await heard_until(socket, "pong")
        socket.transport.pause_reading()
        accepted = (await client.post("/api/v1/message", json={"text": "/hold"})).json()
        event = StateUpdated(id="e_1", at=NOW, changed=["x" * 500_000])
        for _ in range(40):
            subject = conversation_event("ana", accepted["conversationId"])
            await memory.bus.store(subject, event.encode(), type=event.type_name)
        async with asyncio.timeout(15):
            while "colloquy_websockets_open 0.0" not in (await client.get("/metrics")).text:
                await asyncio.sleep(0.05)
