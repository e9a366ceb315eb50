"""The relay over real sockets: uvicorn with our protocol, a real nats-server, readers that behave and readers that don't."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import nats
import pytest
import uvicorn
from nats.aio.client import Client

from colloquy.nats_server import NatsServer
from gateway import sse
from gateway.protocol import AbortableProtocol
from gateway.relay import Limits, Relay
from gateway.sink import Sink
from shared.contract.subjects import conversation_event, conversation_scope, token_log
from shared.errors import Unavailable
from shared.feed import Cursor, Feed
from shared.stored import Stored
from shared.wire import Wire

SCOPE = conversation_scope("ana", "c_1")
EVENT = conversation_event("ana", "c_1")
LOG = token_log("ana", "c_1", "g_1")
LIMITS = Limits(heartbeat_seconds=0.2, send_seconds=0.5)


@pytest.fixture
async def client(nats_server: NatsServer) -> AsyncGenerator[Client]:
    client = await nats.connect(nats_server.url("admin"))
    yield client
    await client.close()


@pytest.fixture
async def feed(client: Client) -> Feed:
    return Feed(SimpleNamespace(wire=Wire(client)))  # pyright: ignore[reportArgumentType]


class Gateway:
    """An application that is nothing but the relay; `options` are given to each `serve`."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.options: dict[str, Any] = {}
        self.port = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self.relay.serve(scope, receive, send, scope=SCOPE, **self.options)
        except Unavailable:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def serving(app: Gateway) -> AsyncGenerator[Gateway]:
    config = uvicorn.Config(app, http=AbortableProtocol, lifespan="off", log_level="error", access_log=False)
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    app.port = listening.getsockname()[1]
    server.install_signal_handlers = lambda: None
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(server._serve(sockets=[listening]))
        yield app
        server.should_exit = True
        server.force_exit = True
        await task


@pytest.fixture
async def gateway(feed: Feed) -> AsyncGenerator[Gateway]:
    async with serving(Gateway(Relay(feed, LIMITS))) as gateway:
        yield gateway
        await gateway.relay.close()


class Browser:
    """An HTTP client that reads one event stream, or doesn't."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.head = b""
        self.text = b""
        self.over = False

    async def frame(self) -> str:
        """The next frame, comments too; "" when the response has ended."""
        async with asyncio.timeout(10):
            while b"\n\n" not in self.text:
                size = int(await self.reader.readuntil(b"\r\n"), 16)
                self.text += (await self.reader.readexactly(size + 2))[:-2]
                if not size:
                    self.over = True
                    return self.text.decode()
        frame, _, self.text = self.text.partition(b"\n\n")
        return frame.decode()

    async def event(self) -> dict[str, str]:
        """The next frame that is an event."""
        while (frame := await self.frame()).startswith((":", "retry")):
            pass
        return dict(line.split(": ", 1) for line in frame.splitlines())

    async def numbers(self, count: int) -> list[int]:
        return [json.loads((await self.event())["data"])["n"] for _ in range(count)]

    async def cut(self) -> bool:
        """The connection ends without the response's end."""
        async with asyncio.timeout(10):
            try:
                while await self.reader.read(65_536):
                    pass
            except ConnectionError:
                return True
            return not self.over

    def leave(self) -> None:
        self.writer.transport.abort()


Open = Callable[..., Awaitable[Browser]]


@pytest.fixture
async def open_stream(gateway: Gateway) -> AsyncGenerator[Open]:
    browsers: list[Browser] = []

    async def open_stream(*, buffer: int | None = None, **options: Any) -> Browser:
        gateway.options = options
        sock = socket.create_connection(("127.0.0.1", gateway.port))
        if buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        reader, writer = await asyncio.open_connection(sock=sock, limit=1024 if buffer else 65_536)
        browsers.append(Browser(reader, writer))
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        browsers[-1].head = await reader.readuntil(b"\r\n\r\n")
        return browsers[-1]

    yield open_stream
    for browser in browsers:
        browser.leave()


async def store(client: Client, count: int, *, first: int = 0, size: int = 0) -> None:
    for number in range(first, first + count):
        payload = json.dumps({"n": number, "pad": "x" * size}).encode()
        await client.jetstream().publish(LOG, payload, headers={"Event-Type": "llm.token"})


async def finish(client: Client, kind: str = "message.completed", **fields: Any) -> None:
    await client.jetstream().publish(EVENT, json.dumps(fields).encode(), headers={"Event-Type": kind})


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def test_a_stream_begins_with_its_headers_and_a_random_retry(open_stream: Open) -> None:
    one, two = await open_stream(), await open_stream()
    head = one.head.decode().lower()
    assert head.startswith("http/1.1 200")
    for line in (
        "content-type: text/event-stream; charset=utf-8",
        "cache-control: no-store, no-transform",
        "x-accel-buffering: no",
    ):
        assert line in head
    retries = {int((await browser.frame()).removeprefix("retry: ")) for browser in (one, two)}
    assert all(500 <= milliseconds <= 5000 for milliseconds in retries)


async def test_events_arrive_with_their_cursors_and_a_stream_goes_on_after_one(
    open_stream: Open, feed: Feed, client: Client
) -> None:
    first = await open_stream(after=await feed.head(SCOPE))
    await store(client, 5)
    events = [await first.event() for _ in range(5)]
    assert [event["event"] for event in events] == ["llm.token"] * 5
    second = await open_stream(after=Cursor.parse(events[1]["id"]))
    assert [await second.event() for _ in range(3)] == events[2:]


@pytest.mark.parametrize(
    "fields", [{"generationId": "g_1"}, {"messageId": "g_1"}, {"message": {"parentId": "g_1"}, "generationId": "g_2"}]
)
async def test_until_ends_the_stream_after_the_last_event_of_that_answer(
    open_stream: Open, feed: Feed, client: Client, fields: dict[str, Any]
) -> None:
    browser = await open_stream(after=await feed.head(SCOPE), until="g_1")
    await finish(client, generationId="g_0", text="g_1 is mentioned")
    await finish(client, "llm.token", generationId="g_1")
    await finish(client, **fields)
    assert [(await browser.event())["event"] for _ in range(4)] == [
        "message.completed",
        "llm.token",
        "message.completed",
        "done",
    ]
    assert (await browser.frame(), browser.over) == ("", True)


async def test_an_answer_that_has_ended_is_replayed_and_done(open_stream: Open, feed: Feed, client: Client) -> None:
    head = await feed.head(SCOPE)
    await store(client, 300)
    browser = await open_stream(after=head, until="g_1", ended=True)
    assert await browser.numbers(300) == list(range(300))
    assert (await browser.event())["event"] == "done"
    assert (await browser.frame(), browser.over) == ("", True)


async def test_f18_a_cursor_that_can_not_be_continued_is_a_reset_and_the_end(open_stream: Open, feed: Feed) -> None:
    browser = await open_stream(after=Cursor("other", 1))
    assert await browser.event() == {"event": "reset", "data": '{"reason":"other_store"}'}
    assert (await browser.frame(), browser.over) == ("", True)
    assert feed.channels == 0


async def test_r_g_a_silent_stream_says_a_comment_and_stays_open(open_stream: Open, client: Client) -> None:
    browser = await open_stream()
    assert [await browser.frame() for _ in range(4)][1:] == [": ping"] * 3
    await store(client, 1)
    assert await browser.numbers(1) == [0]


async def test_a_reader_that_leaves_is_forgotten(open_stream: Open, gateway: Gateway, feed: Feed) -> None:
    browser = await open_stream()
    assert gateway.relay.streams == feed.channels == 1
    browser.leave()
    await until(lambda: gateway.relay.streams == 0)
    assert feed.channels == 0


async def test_f17_a_reader_that_does_not_read_is_cut_and_others_are_not(
    open_stream: Open, gateway: Gateway, feed: Feed, client: Client
) -> None:
    head = await feed.head(SCOPE)
    slow, quick = await open_stream(buffer=4096), await open_stream()
    reading = asyncio.create_task(quick.numbers(900))
    await store(client, 900, size=20_000)
    await until(lambda: gateway.relay.streams == 1)
    assert await reading == list(range(900))
    assert await slow.cut()
    back = await open_stream(after=head)
    assert await back.numbers(900) == list(range(900))


async def test_f17_a_write_that_stays_blocked_is_cut(open_stream: Open, gateway: Gateway, feed: Feed, client: Client) -> None:
    head = await feed.head(SCOPE)
    await store(client, 100, size=100_000)
    slow = await open_stream(buffer=4096, after=head)
    await until(lambda: gateway.relay.streams == 0)
    assert await slow.cut()
    assert feed.channels == 0


async def test_a_past_larger_than_the_limit_goes_at_the_readers_pace(open_stream: Open, feed: Feed, client: Client) -> None:
    head = await feed.head(SCOPE)
    await store(client, 60, size=100_000)
    browser = await open_stream(after=head)
    assert await browser.numbers(60) == list(range(60))


async def test_f31_at_the_end_every_reader_is_told_to_come_back(
    open_stream: Open, gateway: Gateway, feed: Feed, client: Client
) -> None:
    head = await feed.head(SCOPE)
    await store(client, 100, size=100_000)
    browsers = [await open_stream() for _ in range(20)]
    stuck = await open_stream(buffer=4096, after=head)
    async with asyncio.timeout(2):
        await gateway.relay.close()
    for browser in browsers:
        assert (await browser.event())["event"] == "reconnect"
        assert (await browser.frame(), browser.over) == ("", True)
    assert await stuck.cut()
    await until(lambda: gateway.relay.streams == 0)
    late = await open_stream()
    assert late.head.startswith(b"HTTP/1.1 503")


async def test_s3_a_stream_ends_when_it_expires(open_stream: Open) -> None:
    browser = await open_stream(expires=asyncio.get_running_loop().time() + 0.1)
    while await browser.frame():
        pass
    assert browser.over


async def test_nats_that_does_not_answer_is_an_error_before_the_stream_begins(
    open_stream: Open, nats_server: NatsServer
) -> None:
    nats_server.freeze()
    try:
        browser = await open_stream()
    finally:
        nats_server.thaw()
    assert browser.head.startswith(b"HTTP/1.1 503")


async def test_streams_stay_open_while_nats_is_away(open_stream: Open, nats_server: NatsServer, client: Client) -> None:
    client.options["reconnect_time_wait"] = 0.05
    browser = await open_stream()
    await store(client, 2)
    assert await browser.numbers(2) == [0, 1]
    await nats_server.kill()
    assert await browser.frame() == ": ping"
    await nats_server.restart()
    await until(lambda: client.is_connected)
    await store(client, 2, first=2)
    assert await browser.numbers(2) == [2, 3]


class Writes:
    """An ASGI `send` that remembers, and can be blocked."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.writable = asyncio.Event()
        self.writable.set()

    async def __call__(self, message: Any) -> None:
        await self.writable.wait()
        self.bodies.append(message["body"])


def event(number: int, size: int = 0) -> Stored:
    return Stored(b"i", number, b"NATS/1.0\r\nEvent-Type: llm.token\r\n\r\n", b"x" * size)


async def sink(feed: Feed, writes: Writes, limits: Limits | None = None) -> tuple[Sink, list[str]]:
    cuts: list[str] = []
    sink = Sink(Relay(feed, limits), writes, lambda: cuts.append("cut"), None, ended=False)
    sink.open()
    return sink, cuts


async def test_what_one_turn_of_the_loop_brings_goes_out_in_one_write(feed: Feed) -> None:
    writes = Writes()
    one, _ = await sink(feed, writes)
    for number in range(10):
        one.deliver(event(number))
    await asyncio.sleep(0)
    assert writes.bodies[1:] == [b"".join(event(number).frame for number in range(10))]


async def test_a_burst_within_one_turn_is_not_slowness(feed: Feed) -> None:
    writes = Writes()
    one, cuts = await sink(feed, writes)
    for number in range(1000):
        one.deliver(event(number))
    await asyncio.sleep(0)
    assert cuts == []
    assert b"".join(writes.bodies[1:]) == b"".join(event(number).frame for number in range(1000))


@pytest.mark.parametrize(("count", "size"), [(10, 10), (4, 400)])
async def test_f17_a_blocked_reader_may_be_behind_by_so_many_events_or_bytes(feed: Feed, count: int, size: int) -> None:
    writes = Writes()
    one, cuts = await sink(feed, writes, Limits(events=10, bytes=2000))
    writes.writable.clear()
    one.deliver(event(0))
    await asyncio.sleep(0)
    for number in range(count):
        one.deliver(event(number, size))
    assert cuts == []
    one.deliver(event(99, size))
    assert cuts == ["cut"]
    writes.writable.set()
    await asyncio.sleep(0)
    assert len(writes.bodies) <= 2


async def test_a_blocked_reader_gets_the_rest_when_it_reads_again(feed: Feed) -> None:
    writes = Writes()
    one, _ = await sink(feed, writes)
    writes.writable.clear()
    for number in range(3):
        one.deliver(event(number))
        await asyncio.sleep(0)
    assert len(writes.bodies) == 1
    taken: list[bool] = []
    one.when_taken(lambda: taken.append(True))
    assert taken == []
    writes.writable.set()
    await until(lambda: len(writes.bodies) == 3)
    assert writes.bodies[1:] == [event(0).frame, event(1).frame + event(2).frame]
    assert taken == [True]


def test_an_end_is_recognised_only_by_its_ids() -> None:
    completed = Stored(b"i", 1, b"NATS/1.0\r\nEvent-Type: message.failed\r\n\r\n", b'{"generationId":"g_12","text":"g_1"}')
    assert sse.ends(completed, "g_12")
    assert not sse.ends(completed, "g_1")
