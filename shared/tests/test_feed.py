"""The feed against a real nats-server: every stored event after a cursor, once and in order, or a reset."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from types import SimpleNamespace

import nats
import pytest
from nats.aio.client import Client
from nats.js.api import RePublish, StreamConfig

from colloquy.nats_server import NatsServer
from shared.contract.subjects import Scope, conversation_event, conversation_scope, token_log, user_scope
from shared.errors import Unavailable
from shared.feed import Cursor, Feed, Reset, Stored
from shared.wire import Wire

SCOPE = conversation_scope("ana", "c_1")
EVENT = conversation_event("ana", "c_1")
LOG = token_log("ana", "c_1", "g_1")

Connect = Callable[[], Awaitable[Client]]


@pytest.fixture
async def connect(nats_server: NatsServer) -> AsyncGenerator[Connect]:
    clients: list[Client] = []

    async def connect() -> Client:
        async def ignore(_: Exception) -> None: ...

        client = await nats.connect(
            nats_server.url("admin"),
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.05,
            error_cb=ignore,
            inbox_prefix="_INBOX_admin",
        )
        clients.append(client)
        return client

    yield connect
    for client in clients:
        await client.close()


@pytest.fixture
async def client(connect: Connect) -> Client:
    return await connect()


@pytest.fixture
async def wire(connect: Connect) -> Wire:
    return Wire(await connect())


@pytest.fixture
async def feed(wire: Wire) -> Feed:
    return Feed(SimpleNamespace(wire=wire))  # pyright: ignore[reportArgumentType]


async def store(client: Client, count: int, *, first: int = 0, subject: str = LOG) -> None:
    for number in range(first, first + count):
        await client.jetstream().publish(subject, b'{"n":%d}' % number, headers={"Event-Type": "llm.token"})


class Collected:
    """A reader that remembers, and can be told to take nothing."""

    def __init__(self) -> None:
        self.events: list[Stored] = []
        self.reason: str | None = None
        self.stirred = asyncio.Event()
        self.go_on: Callable[[], None] | None = None
        self.eager = True
        self.caught = False

    def deliver(self, event: Stored) -> None:
        self.events.append(event)
        self.stirred.set()

    def reset(self, reason: str) -> None:
        self.reason = reason
        self.stirred.set()

    def when_taken(self, go_on: Callable[[], None]) -> None:
        if self.eager:
            go_on()
        self.go_on = go_on
        self.stirred.set()

    def caught_up(self) -> None:
        self.caught = True

    @property
    def numbers(self) -> list[int]:
        return [int(event.data[5:-1]) for event in self.events]

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not true():
                self.stirred.clear()
                await self.stirred.wait()

    async def has(self, count: int) -> list[int]:
        await self.until(lambda: len(self.events) >= count)
        return self.numbers


async def first_events(feed: Feed, count: int, after: Cursor | None, scope: Scope = SCOPE) -> list[Stored]:
    events: list[Stored] = []
    async with asyncio.timeout(30), aclosing(feed.follow(scope, after)) as following:
        async for event in following:
            events.append(event)
            if len(events) == count:
                break
    return events


async def test_a_reader_hears_what_is_stored_after_it_came(feed: Feed, client: Client) -> None:
    await store(client, 3)
    reader = Collected()
    await feed.attach(SCOPE, None, reader)
    await store(client, 2, first=3)
    assert await reader.has(2) == [3, 4]


async def test_an_event_is_a_whole_sse_frame_with_its_cursor(feed: Feed, client: Client) -> None:
    head = await feed.head(SCOPE)
    await store(client, 1)
    [event] = await first_events(feed, 1, head)
    assert event.frame == b'id: %b-1\nevent: llm.token\ndata: {"n":0}\n\n' % head.incarnation.encode()
    assert (event.type, event.data, event.sequence) == (b"llm.token", b'{"n":0}', 1)
    assert event.cursor == Cursor(head.incarnation, 1)


async def test_s11_a_line_end_in_the_data_can_not_begin_another_field(feed: Feed, client: Client) -> None:
    head = await feed.head(SCOPE)
    await client.jetstream().publish(EVENT, b'{"a":\r\n1}\nid: forged', headers={"Event-Type": "x"})
    [event] = await first_events(feed, 1, head)
    assert event.data == b'{"a":1}id: forged'


async def test_r_a_events_from_before_the_first_reader_are_replayed(feed: Feed, client: Client) -> None:
    head = await feed.head(SCOPE)
    await store(client, 300)
    reader = Collected()
    await feed.attach(SCOPE, head, reader)
    await store(client, 3, first=300)
    assert await reader.has(303) == list(range(303))


async def test_r_b_the_third_reconnect_gets_exactly_what_it_missed(feed: Feed, client: Client) -> None:
    cursor = await feed.head(SCOPE)
    for round_number in range(3):
        await store(client, 5, first=round_number * 5)
        events = await first_events(feed, 5, cursor)
        assert [event.data for event in events] == [b'{"n":%d}' % n for n in range(round_number * 5, round_number * 5 + 5)]
        cursor = events[-1].cursor


async def test_r_c_and_r_j_two_replays_of_the_same_past_are_the_same(feed: Feed, client: Client) -> None:
    head = await feed.head(SCOPE)
    await store(client, 20)
    once = await first_events(feed, 20, head)
    again = await first_events(feed, 20, head)
    assert [event.frame for event in once] == [event.frame for event in again]


async def test_r_d_the_next_generation_arrives_after_everybody_had_left(feed: Feed, client: Client) -> None:
    reader = Collected()
    attachment = await feed.attach(SCOPE, None, reader)
    await store(client, 2)
    cursor = (await reader.has(2), reader.events[-1].cursor)[1]
    attachment.detach()
    assert feed.channels == 0
    await store(client, 2, first=2, subject=token_log("ana", "c_1", "g_2"))
    back = Collected()
    await feed.attach(SCOPE, cursor, back)
    assert await back.has(2) == [2, 3]


async def test_r_e_readers_that_come_while_much_is_published_get_everything_once(feed: Feed, connect: Connect) -> None:
    head = await feed.head(SCOPE)
    publisher = await connect()
    chance = random.Random(7)

    async def publish() -> None:
        for number in range(1500):
            await publisher.publish(LOG, b'{"n":%d}' % number, headers={"Event-Type": "llm.token"})
            if number % 10 == 0:
                await asyncio.sleep(chance.random() / 300)

    readers: list[Collected] = []

    async def come(position: Cursor) -> None:
        await asyncio.sleep(chance.random() / 3)
        readers.append(Collected())
        await feed.attach(SCOPE, position, readers[-1])

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publish())
        for _ in range(60):
            tasks.create_task(come(Cursor(head.incarnation, head.sequence)))
    for reader in readers:
        assert await reader.has(1500) == list(range(1500))


async def test_r_f_every_reader_starts_at_its_own_place(feed: Feed, client: Client) -> None:
    head = await feed.head(SCOPE)
    await store(client, 10)
    readers = [Collected() for _ in range(10)]
    for place, reader in enumerate(readers):
        await feed.attach(SCOPE, Cursor(head.incarnation, head.sequence + place), reader)
    await store(client, 1, first=10)
    for place, reader in enumerate(readers):
        assert await reader.has(11 - place) == list(range(place, 11))


async def test_r_k_a_late_resume_gets_the_end_of_what_is_over(feed: Feed, client: Client) -> None:
    head = await feed.head(SCOPE)
    await store(client, 3)
    await store(client, 1, first=3, subject=EVENT)
    await store(client, 50, first=100, subject=conversation_event("ana", "c_2"))
    events = await first_events(feed, 2, Cursor(head.incarnation, head.sequence + 2))
    assert [event.data for event in events] == [b'{"n":2}', b'{"n":3}']


async def test_a_users_scope_has_all_conversations_and_nobody_elses(feed: Feed, client: Client) -> None:
    head = await feed.head(user_scope("ana"))
    await store(client, 1)
    await store(client, 1, first=1, subject=conversation_event("ana", "c_2"))
    await store(client, 1, first=2, subject=conversation_event("bob", "c_1"))
    await store(client, 1, first=3)
    events = await first_events(feed, 3, head, user_scope("ana"))
    assert [event.data for event in events] == [b'{"n":0}', b'{"n":1}', b'{"n":3}']


async def test_readers_of_one_scope_share_one_subscription_and_one_rendering(feed: Feed, client: Client) -> None:
    one, two = Collected(), Collected()
    await feed.attach(SCOPE, None, one)
    await feed.attach(SCOPE, None, two)
    await store(client, 1)
    await one.has(1)
    assert feed.channels == 1
    assert one.events[0] is two.events[0]


async def test_a_detached_reader_hears_nothing_and_the_last_one_closes_the_scope(feed: Feed, client: Client) -> None:
    gone, stays = Collected(), Collected()
    leaving = await feed.attach(SCOPE, None, gone)
    staying = await feed.attach(SCOPE, None, stays)
    leaving.detach()
    leaving.detach()
    await store(client, 1)
    await stays.has(1)
    assert gone.events == []
    staying.detach()
    assert feed.channels == 0


async def test_a_long_past_is_replayed_at_the_readers_pace(feed: Feed, client: Client) -> None:
    head = await feed.head(SCOPE)
    await store(client, 400)
    reader = Collected()
    reader.eager = False
    await feed.attach(SCOPE, head, reader)
    await reader.until(lambda: reader.go_on is not None)
    assert len(reader.events) < 200
    reader.eager = True
    assert reader.go_on is not None
    reader.go_on()
    assert await reader.has(400) == list(range(400))


async def test_a_slow_follower_is_read_again_and_loses_nothing(feed: Feed, client: Client) -> None:
    head = await feed.head(SCOPE)
    numbers: list[bytes] = []
    async with asyncio.timeout(30), aclosing(feed.follow(SCOPE, head, limit=5)) as following:
        await store(client, 1)
        async for event in following:
            numbers.append(event.data)
            if len(numbers) == 1:
                await store(client, 40, first=1)
            if len(numbers) == 41:
                break
    assert numbers == [b'{"n":%d}' % n for n in range(41)]


async def test_f18_a_cursor_older_than_the_stream_is_reset(feed: Feed, wire: Wire, client: Client) -> None:
    head = await Feed(SimpleNamespace(wire=wire)).head(SCOPE)  # pyright: ignore[reportArgumentType]
    await store(client, 10)
    await client.jetstream().purge_stream(SCOPE.stream, seq=6)
    with pytest.raises(Reset) as caught:
        await first_events(feed, 1, head)
    assert caught.value.reason == "too_old"
    assert len(await first_events(feed, 5, Cursor(head.incarnation, 5))) == 5


@pytest.mark.parametrize("forge", [lambda head: Cursor(head.incarnation, head.sequence + 1), lambda _: Cursor("0", 0)])
async def test_f18_a_forged_cursor_is_reset(feed: Feed, client: Client, forge: Callable[[Cursor], Cursor]) -> None:
    await store(client, 2)
    for _ in range(2):
        with pytest.raises(Reset) as caught:
            await first_events(feed, 1, forge(await feed.head(SCOPE)))
        assert caught.value.reason == "other_store"


async def test_f42_a_stream_that_was_recreated_resets_its_readers(feed: Feed, client: Client) -> None:
    reader = Collected()
    await feed.attach(SCOPE, None, reader)
    await store(client, 3)
    await reader.has(3)
    old = reader.events[-1].cursor
    await recreate(client)
    await store(client, 1)
    await reader.until(lambda: reader.reason is not None)
    assert (reader.reason, len(reader.events)) == ("other_store", 3)
    with pytest.raises(Reset):
        await first_events(feed, 1, old)


async def test_f42_a_reader_that_comes_to_another_stream_with_a_recent_cursor_is_reset(feed: Feed, client: Client) -> None:
    await store(client, 5)
    old = await feed.head(SCOPE)
    await recreate(client)
    reader = Collected()
    await feed.attach(SCOPE, old, reader)
    await store(client, 2)
    await reader.until(lambda: reader.reason is not None)
    assert (reader.reason, reader.events) == ("other_store", [])


async def recreate(client: Client) -> None:
    config = (await client.jetstream().stream_info(SCOPE.stream)).config
    await client.jetstream().delete_stream(SCOPE.stream)
    shard = SCOPE.shard
    republish = RePublish(src=f"feed.{shard}.>", dest=f"live.{shard}.>")
    await client.jetstream().add_stream(
        StreamConfig(name=SCOPE.stream, subjects=config.subjects, allow_direct=True, republish=republish)
    )


async def test_f46_a_lost_live_message_is_seen_and_read(feed: Feed, wire: Wire, client: Client) -> None:
    reader = Collected()
    await feed.attach(SCOPE, None, reader)
    lose(wire, {2, 3, 4})
    await store(client, 6)
    assert await reader.has(6) == list(range(6))


async def test_f46_what_is_lost_below_something_delivered_is_a_reset(feed: Feed, wire: Wire, client: Client) -> None:
    reader = Collected()
    await feed.attach(SCOPE, None, reader)
    lose(wire, {1})
    await store(client, 1, subject=EVENT)
    await store(client, 1, first=1)
    await store(client, 1, first=2, subject=EVENT)
    await reader.until(lambda: reader.reason is not None)
    assert (reader.reason, reader.numbers) == ("gap", [1])


def lose(wire: Wire, sequences: set[int]) -> None:
    """Drops these live messages on their way in, as nothing should."""
    hearers = wire._parser.heard
    for sid, heard in list(hearers.items()):

        def lossy(subject: bytes, header: bytes | None, payload: bytes, heard=heard) -> None:
            lost = any(b"Nats-Sequence: %d\r\n" % sequence in (header or b"") for sequence in sequences)
            if not (lost and subject.startswith(b"live.")):
                heard(subject, header, payload)

        hearers[sid] = lossy


async def test_more_subjects_than_are_remembered_are_no_gap(feed: Feed, client: Client) -> None:
    reader = Collected()
    await feed.attach(user_scope("ana"), None, reader)
    for number in range(200):
        await store(client, 1, first=number, subject=conversation_event("ana", f"c_{number % 80}"))
    assert await reader.has(200) == list(range(200))


async def test_f9_readers_go_on_when_nats_was_killed_and_came_back(
    feed: Feed, nats_server: NatsServer, connect: Connect
) -> None:
    reader, other = Collected(), Collected()
    await feed.attach(SCOPE, None, reader)
    await store(await connect(), 5)
    await reader.has(5)
    await nats_server.kill()
    await nats_server.restart()
    await store(await connect(), 5, first=5)
    await feed.attach(SCOPE, reader.events[0].cursor, other)
    assert await reader.has(10) == list(range(10))
    assert await other.has(9) == list(range(1, 10))


async def test_f9_what_was_stored_while_a_reader_was_cut_off_is_read(feed: Feed, wire: Wire, client: Client) -> None:
    reader = Collected()
    await feed.attach(SCOPE, None, reader)
    await store(client, 1)
    await reader.has(1)
    cut(wire)
    await store(client, 300, first=1)
    assert await reader.has(301) == list(range(301))


def cut(wire: Wire) -> None:
    """Ends the TCP connection under nats-py, which reconnects."""
    wire.abort()


async def test_random_cuts_lose_and_double_nothing(feed: Feed, wire: Wire, client: Client) -> None:
    head = await feed.head(SCOPE)
    readers = [Collected() for _ in range(5)]
    for reader in readers:
        await feed.attach(SCOPE, head, reader)
    for number in range(400):
        await store(client, 1, first=number, subject=LOG if number % 3 else EVENT)
        if number % 80 == 40:
            cut(wire)
    for reader in readers:
        assert await reader.has(400) == list(range(400))


async def test_nats_that_does_not_answer_is_unavailable_soon(feed: Feed, nats_server: NatsServer) -> None:
    nats_server.freeze()
    try:
        async with asyncio.timeout(30):
            with pytest.raises(Unavailable):
                await feed.attach(SCOPE, None, Collected())
            with pytest.raises(Unavailable):
                await feed.head(SCOPE)
    finally:
        nats_server.thaw()
    assert feed.channels == 0


async def test_a_reader_that_gives_up_while_attaching_leaves_nothing(feed: Feed, nats_server: NatsServer) -> None:
    nats_server.freeze()
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await feed.attach(SCOPE, None, Collected())
    finally:
        nats_server.thaw()
    assert feed.channels == 0


async def test_before_is_just_before_the_first_of_a_log(feed: Feed, client: Client) -> None:
    await store(client, 2, subject=EVENT)
    await store(client, 3, first=2)
    assert await feed.before(SCOPE, token_log("ana", "c_1", "g_9")) is None
    before = await feed.before(SCOPE, LOG)
    assert before is not None
    assert [event.sequence for event in await first_events(feed, 3, before)] == [3, 4, 5]
