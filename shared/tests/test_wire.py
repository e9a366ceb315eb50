"""The fast lane: whole messages however they are cut, nothing lost to nats-py, and a connection that may go and come."""

import asyncio
import random
from collections.abc import AsyncGenerator

import nats
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.errors import ProtocolError
from nats.protocol.parser import Parser

from colloquy.nats_server import NatsServer
from shared import wire as wire_module
from shared.wire import Offline, Wire, check

Message = tuple[bytes, bytes | None, bytes]
HEADER = b"NATS/1.0\r\nA: b\r\n\r\n"


@pytest.fixture
async def client(nats_server: NatsServer) -> AsyncGenerator[Client]:
    async def ignore(_: Exception) -> None: ...

    client = await nats.connect(nats_server.url("admin"), max_reconnect_attempts=-1, reconnect_time_wait=0.05, error_cb=ignore)
    yield client
    await client.close()


@pytest.fixture
async def wire(client: Client) -> Wire:
    return Wire(client)


class Heard(list[Message]):
    """What was heard, and a way to wait for so much of it."""

    def __init__(self) -> None:
        super().__init__()
        self._stirred = asyncio.Event()

    def __call__(self, subject: bytes, header: bytes | None, payload: bytes) -> None:
        self.append((subject, header, payload))
        self._stirred.set()

    async def has(self, count: int) -> list[Message]:
        async with asyncio.timeout(30):
            while len(self) < count:
                self._stirred.clear()
                await self._stirred.wait()
        return list(self)


async def test_what_is_published_is_heard_as_it_was(wire: Wire) -> None:
    heard = Heard()
    wire.subscribe("a.*", heard)
    messages: list[Message] = [
        (b"a.1", None, b""),
        (b"a.2", HEADER, b"x"),
        (b"a.3", HEADER, b""),
        (b"a.4", None, b"y" * 700_000),
    ]
    for subject, header, payload in messages:
        wire.publish(subject, payload, header=header or b"")
    assert await heard.has(4) == messages


async def test_messages_of_both_lanes_arrive_whole_and_in_order(wire: Wire, client: Client) -> None:
    fast, slow = Heard(), Heard()
    wire.subscribe("a", fast)

    async def take(message: nats.aio.msg.Msg) -> None:
        slow(message.subject.encode(), None, message.data)

    await client.subscribe("a", cb=take)
    await client.flush()
    chance = random.Random(1)
    payloads = [b"x" * chance.choice([0, 1, 100, 5_000, 80_000]) + b"%d" % number for number in range(300)]
    for payload in payloads:
        wire.publish(b"a", payload)
    assert [payload for _, _, payload in await fast.has(300)] == payloads
    assert [payload for _, _, payload in await slow.has(300)] == payloads


async def test_who_serves_is_given_the_reply_subject_and_shares_the_work(wire: Wire, client: Client) -> None:
    served: list[bytes] = []

    def serve(_: bytes, reply: bytes, header: bytes | None, payload: bytes) -> None:
        served.append(payload)
        wire.publish(reply, b"pong " + payload, header=HEADER if header else b"")

    for _ in range(2):
        wire.serve("ping", serve, queue="q")
    answer = await client.request("ping", b"1", timeout=5, headers={"A": "b"})
    assert (answer.data, answer.headers) == (b"pong 1", {"A": "b"})
    assert (await client.request("ping", b"2", timeout=5)).headers is None
    assert served == [b"1", b"2"]


async def test_nothing_is_heard_after_unsubscribing(wire: Wire) -> None:
    gone, stays = Heard(), Heard()
    sid = wire.subscribe("a", gone)
    wire.subscribe("a", stays)
    wire.unsubscribe(sid)
    wire.unsubscribe(sid)
    wire.publish(b"a", b"")
    await stays.has(1)
    assert gone == []


async def test_t3_a_hearer_or_hook_that_raises_does_not_end_the_connection(wire: Wire, client: Client) -> None:
    heard = Heard()

    def broken(*_: object) -> None:
        raise ValueError

    wire.subscribe("a", broken)
    wire.serve("a", broken)
    wire.after_batch(broken)
    wire.subscribe("a", heard)
    wire.publish(b"a", b"1")
    await heard.has(1)
    wire.publish(b"a", b"2")
    await heard.has(2)
    await client.flush()


async def test_hooks_run_once_for_a_chunk_with_many_messages(wire: Wire) -> None:
    heard, batches = Heard(), Heard()
    wire.subscribe("a", heard)
    wire.after_batch(lambda: batches(b"", None, b""))
    for _ in range(50):
        wire.publish(b"a", b"")
    await heard.has(50)
    await batches.has(1)
    assert len(batches) < 25


async def test_f9_subscriptions_are_in_place_when_it_says_that_it_is_back(wire: Wire, nats_server: NatsServer) -> None:
    heard, back, lost = Heard(), asyncio.Event(), asyncio.Event()
    wire.subscribe("a", heard)
    wire.on_lost(lost.set)
    wire.on_back(lambda: (wire.publish(b"a", b"back"), back.set()))
    await nats_server.kill()
    async with asyncio.timeout(30):
        await lost.wait()
    with pytest.raises(Offline):
        wire.publish(b"a", b"")
    later = Heard()
    wire.subscribe("a", later)
    assert not wire.live
    await nats_server.restart()
    async with asyncio.timeout(30):
        await back.wait()
    assert await heard.has(1) == await later.has(1) == [(b"a", None, b"back")]


async def test_f10_a_server_that_takes_nothing_more_is_offline_before_the_memory_is_full(
    wire: Wire, nats_server: NatsServer
) -> None:
    async def flood() -> None:
        for _ in range(200):
            wire.publish(b"a", b"x" * 500_000)
            await asyncio.sleep(0)

    nats_server.freeze()
    try:
        with pytest.raises(Offline):
            await flood()
    finally:
        nats_server.thaw()


async def test_another_nats_py_is_refused_loudly(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    check(client)
    monkeypatch.setattr(wire_module, "__version__", "2.17.0")
    with pytest.raises(RuntimeError, match=r"2\.17\.0"):
        check(client)


class Stock:
    """As much of a client as a parser needs."""

    def __init__(self) -> None:
        self.left: list[Message] = []
        self.pings = 0
        self._ps = Parser(self)

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, payload: bytes, header: bytes | None) -> None:
        self.left.append((subject, header, payload))

    async def _process_ping(self) -> None:
        self.pings += 1


def frame(sid: int, message: Message, reply: bytes) -> bytes:
    subject, header, payload = message
    words = [subject, b"%d" % sid, *([reply] if reply else [])]
    if header is None:
        return b"MSG %b %d\r\n%b\r\n" % (b" ".join(words), len(payload), payload)
    size = len(header)
    return b"HMSG %b %d %d\r\n%b%b\r\n" % (b" ".join(words), size, size + len(payload), header, payload)


MESSAGES = st.lists(
    st.tuples(st.sampled_from([1, 2, 3]), st.sampled_from([None, HEADER]), st.binary(max_size=40), st.booleans()), max_size=12
)


@settings(max_examples=300)
@given(MESSAGES, st.lists(st.integers(1, 60), min_size=1), st.integers(0, 30))
def test_every_message_arrives_once_however_the_bytes_are_cut(
    messages: list[tuple[int, bytes | None, bytes, bool]], cuts: list[int], taken_over: int
) -> None:
    """Subscription 1 is fast, 2 wants replies, 3 is nats-py's, which may have read some bytes before."""
    stock, asked = Stock(), []
    sent = [(sid, (b"s.%d" % number, header, payload), reply) for number, (sid, header, payload, reply) in enumerate(messages)]
    first = frame(3, (b"s", None, b"z" * 20), b"")
    data = first + b"".join(frame(sid, message, b"r" if reply else b"") + b"PING\r\n" for sid, message, reply in sent)
    fast: list[Message] = []
    taken_over = min(taken_over, len(first) - 1)
    run(stock._ps.parse(data[:taken_over]))
    parser = wire_module._FastParser(stock)  # pyright: ignore[reportArgumentType]
    parser.heard[b"1"] = lambda *message: fast.append(message)
    parser.asked[b"2"] = lambda subject, reply, header, payload: asked.append((subject, header, payload, reply))
    position, turn = taken_over, 0
    while position < len(data):
        size = cuts[turn % len(cuts)]
        run(parser.parse(data[position : position + size]))
        position, turn = position + size, turn + 1
    assert fast == [message for sid, message, _ in sent if sid == 1]
    assert asked == [(*message, b"r" if reply else b"") for sid, message, reply in sent if sid == 2]
    assert stock.left[1:] == [message for sid, message, _ in sent if sid == 3]
    assert stock.pings == len(sent)


@pytest.mark.parametrize("garbage", [b"MSG a 1 x\r\n", b"HMSG a 1 x 2\r\nab\r\n", b"NONSENSE\r\n", b"MSG a 3 y\r\n\r\n"])
def test_garbage_is_a_protocol_error_so_that_nats_py_reconnects(garbage: bytes) -> None:
    parser = wire_module._FastParser(Stock())  # pyright: ignore[reportArgumentType]
    parser.heard[b"1"] = lambda *_: None
    with pytest.raises(ProtocolError):
        run(parser.parse(garbage))


def run(coroutine: object) -> None:
    """Runs what never waits."""
    with pytest.raises(StopIteration):
        coroutine.send(None)
