"""Publishing with acks, against a real nats-server that is killed, frozen and filled."""

import asyncio
import time

import pytest
from pydantic import SecretStr

from shared import pace
from shared.bus import Fenced, Rejected, connect
from shared.contract.inference import GENERATE
from shared.contract.streams import MAX_MESSAGE_BYTES, MIB
from shared.contract.subjects import Subject, conversation_event, token_log
from shared.errors import Invalid, StorageFull, TooLarge, Unavailable
from shared.settings import NatsSettings

EVENT = conversation_event("ana", "c_1")
LOG = token_log("ana", "c_1", "g_1")


async def test_what_is_stored_can_be_read_with_its_event_name(bus):
    first = await bus.store(EVENT, b'{"a":1}', type="message.created")
    second = await bus.store(EVENT, b'{"b":2}', type="message.completed")
    assert await bus.read(EVENT) == [
        (first.sequence, b"message.created", b'{"a":1}'),
        (second.sequence, b"message.completed", b'{"b":2}'),
    ]
    assert await bus.last(EVENT) == (second.sequence, b'{"b":2}')


async def test_a_subject_on_which_nothing_is_stored_is_empty(bus):
    assert await bus.last(LOG) is None
    assert await bus.read(LOG) == []


async def test_a_log_longer_than_one_batch_is_read_whole(bus):
    await asyncio.gather(*(bus.store(LOG, b"%d" % number, msg_id=f"e_{number}", timeout=60.0) for number in range(2_500)))
    assert [data for _, _, data in await bus.read(LOG)] == [b"%d" % number for number in range(2_500)]


async def test_calls_without_an_await_between_them_keep_their_order_beyond_the_window(bus):
    stored = await asyncio.gather(*(bus.store(LOG, b"x", msg_id=f"e_{number}", timeout=60.0) for number in range(3_000)))
    assert [one.sequence for one in stored] == sorted(one.sequence for one in stored)


async def test_the_same_message_id_again_is_a_duplicate(bus):
    first = await bus.store(EVENT, b"x", msg_id="e_1")
    again = await bus.store(EVENT, b"x", msg_id="e_1")
    assert (again.sequence, again.duplicate, first.duplicate) == (first.sequence, True, False)


async def test_what_plain_calls_store_is_there_in_their_order_and_what_fails_spoils_only_its_own_future(bus):
    data = [b"first", b"x" * MAX_MESSAGE_BYTES, b"last"]
    stored = [bus.storing(EVENT, each, type="message.created", msg_id=f"e_{number}") for number, each in enumerate(data)]
    first, failed, last = await asyncio.gather(*stored, return_exceptions=True)
    assert isinstance(failed, TooLarge)
    assert await bus.read(EVENT) == [
        (first.sequence, b"message.created", b"first"),
        (last.sequence, b"message.created", b"last"),
    ]
    assert (await bus.storing(EVENT, b"first", msg_id="e_0")).duplicate


async def test_F28_whoever_expects_another_sequence_is_fenced_out(bus, new_bus):
    other = await new_bus("inference")
    start = await bus.store(LOG, b"start", expect=0)
    await other.store(LOG, b"theirs", expect=start.sequence)
    with pytest.raises(Fenced):
        await bus.store(LOG, b"ours", expect=start.sequence)
    assert [data for _, _, data in await bus.read(LOG)] == [b"start", b"theirs"]


async def test_F28_an_appended_log_is_fenced_and_sent_before_the_call_returns(bus):
    first = bus.append(LOG, b"start", type="generation.started", ttl=60, expect=0)
    theirs = bus.append(LOG, b"theirs", type="llm.token", ttl=60, expect=0)
    with pytest.raises(Fenced):
        await theirs
    assert await bus.read(LOG) == [((await first).sequence, b"generation.started", b"start")]


async def test_tokens_leave_when_their_time_is_over(bus):
    await bus.store(LOG, b"x", ttl=1)
    await bus.store(LOG, b"y", ttl=3_600)
    async with asyncio.timeout(30):
        while len(left := await bus.read(LOG)) > 1:
            await asyncio.sleep(0.1)
    assert left[0][2] == b"y"


async def test_F34_what_is_too_large_with_its_headers_is_refused_and_the_connection_stays(bus):
    with pytest.raises(TooLarge):
        await bus.store(EVENT, b"x" * MAX_MESSAGE_BYTES, type="message.created")
    await bus.store(EVENT, b"x" * (MAX_MESSAGE_BYTES - 200), type="message.created")


async def test_F13_a_full_stream_says_so_and_takes_more_when_there_is_room(new_nats_server):
    server = await new_nats_server(budget=4 * MIB)
    async with connect(NatsSettings(url=SecretStr(server.url("admin"))), "admin") as bus:
        order = GENERATE.subject("ana")
        filling = [bus.store(order, b"x" * 200_000) for _ in range(8)]
        with pytest.raises(StorageFull):
            await asyncio.gather(*filling)
        await bus._asker.ask(b"$JS.API.STREAM.PURGE.JOBS", b"", timeout=5)
        await bus.store(order, b"x" * 200_000)


async def test_what_jetstream_will_never_take_is_a_bug_and_said_at_once(bus):
    with pytest.raises(Rejected):
        await bus.store(GENERATE.subject("ana"), b"x", ttl=3)  # this stream allows no TTL


async def test_a_subject_that_no_stream_captures_is_unavailable_when_the_time_is_over(bus):
    with pytest.raises(Unavailable):
        await bus.store(Subject("nowhere.at.all"), b"x", timeout=0.5)


@pytest.mark.parametrize("text", ["a\r\nNats-TTL: 1s", "a\nb", "\ud800"])
async def test_S5_a_header_can_not_be_smuggled_in(bus, text):
    with pytest.raises(Invalid):
        await bus.store(EVENT, b"x", msg_id=text)


async def test_F9_kill_9_of_nats_in_the_middle_loses_and_doubles_nothing(bus, nats_server):
    numbers = range(3_000)
    storing = asyncio.gather(*(bus.store(EVENT, b"%d" % n, msg_id=f"e_{n}", timeout=30) for n in numbers))
    await bus.store(conversation_event("bo", "c_2"), b"x")
    await nats_server.kill()
    await nats_server.start()
    await storing
    stored = [int(data) for _, _, data in await bus.read(EVENT)]
    assert sorted(stored) == list(numbers)


async def test_F9_a_fenced_log_survives_kill_9_of_nats_without_being_fenced_by_its_own_ghost(bus, nats_server):
    async def write() -> None:
        last = 0
        for number in range(400):
            last = (await bus.store(LOG, b"%d" % number, expect=last, timeout=30)).sequence

    writing = asyncio.ensure_future(write())
    for _ in range(3):
        await bus.store(EVENT, b"x", timeout=30)
        await nats_server.kill()
        await nats_server.start()
    await writing
    assert [int(data) for _, _, data in await bus.read(LOG)] == list(range(400))


async def test_F10_a_frozen_nats_is_unknown_not_failed(bus, nats_server):
    await bus.store(EVENT, b"before")
    nats_server.freeze()
    with pytest.raises(Unavailable):
        await bus.store(EVENT, b"ghost", msg_id="e_ghost", timeout=0.5)
    nats_server.thaw()
    again = await bus.store(EVENT, b"ghost", msg_id="e_ghost")
    assert again.duplicate
    assert [data for _, _, data in await bus.read(EVENT)] == [b"before", b"ghost"]


async def test_T11_an_attempt_that_was_stored_but_not_confirmed_is_recognised(bus):
    start = await bus.store(LOG, b"start", expect=0)
    storing = asyncio.ensure_future(bus.store(LOG, b"next", expect=start.sequence, timeout=30))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    time.sleep(0.2)  # the server stores it and confirms, and we don't hear it
    bus.wire.abort()
    assert (await storing).duplicate
    assert [data for _, _, data in await bus.read(LOG)] == [b"start", b"next"]


async def test_F12_a_stream_that_is_not_there_yet_is_waited_for(bus):
    await bus._asker.ask(b"$JS.API.STREAM.DELETE.DEAD", b"", timeout=5)
    storing = asyncio.ensure_future(bus.store(Subject("dead.generate.ana"), b"x", timeout=10))
    await asyncio.sleep(0)
    await bus._asker.ask(b"$JS.API.STREAM.CREATE.DEAD", b'{"name":"DEAD","subjects":["dead.>"]}', timeout=5)
    assert (await storing).sequence == 1


async def test_a_caller_that_is_cancelled_leaves_nothing_behind(bus, nats_server):
    nats_server.freeze()
    storing = asyncio.ensure_future(bus.store(EVENT, b"x", timeout=30))
    await asyncio.sleep(0)
    storing.cancel()
    while bus._publisher._flight:
        await asyncio.sleep(0.05)
    nats_server.thaw()
    await bus.store(EVENT, b"y")


class Counted:
    """The publisher's wire, with what it sends counted; what `lost` says to is not sent."""

    def __init__(self, bus, monkeypatch):
        self.sent = 0
        self.lost = lambda number: False
        publish = bus.wire.publish

        def counted(subject, payload, *, reply=b"", header=b""):
            if b"Nats-Msg-Id" in header:
                self.sent += 1
                if self.lost(self.sent):
                    return
            publish(subject, payload, reply=reply, header=header)

        monkeypatch.setattr(bus.wire, "publish", counted)


async def oldest_is_sent(bus, times):
    async with asyncio.timeout(60):
        while next(iter(bus._publisher._flight.values())).attempts < times:
            await asyncio.sleep(0.01)


async def test_F10_what_a_frozen_nats_does_not_confirm_is_not_all_sent_again_and_is_stored_once_and_in_order(
    bus, nats_server, monkeypatch
):
    monkeypatch.setattr(pace, "FIRST_SECONDS", 0.2)
    counted = Counted(bus, monkeypatch)
    nats_server.freeze()
    storing = [bus.storing(EVENT, b"%d" % number, msg_id=f"e_{number}", timeout=90) for number in range(1_500)]
    await oldest_is_sent(bus, 3)
    storing += [bus.storing(EVENT, b"%d" % number, msg_id=f"e_{number}", timeout=90) for number in range(1_500, 3_000)]
    await oldest_is_sent(bus, 4)
    assert counted.sent <= 1_500 + 3, "the oldest alone, and nothing new"
    nats_server.thaw()
    stored = await asyncio.gather(*storing)
    assert [int(data) for _, _, data in await bus.read(EVENT)] == list(range(3_000))
    assert [one.sequence for one in stored] == sorted({one.sequence for one in stored})
    assert counted.sent < 4_400, "thrice as many when each is sent again by itself"


async def test_F12_what_was_lost_on_the_way_is_sent_again_faster_and_faster(bus, monkeypatch):
    monkeypatch.setattr(pace, "FIRST_SECONDS", 0.2)
    counted = Counted(bus, monkeypatch)
    counted.lost = lambda number: number <= 1_000
    await asyncio.gather(*(bus.storing(EVENT, b"%d" % number, msg_id=f"e_{number}", timeout=60) for number in range(1_000)))
    assert sorted(int(data) for _, _, data in await bus.read(EVENT)) == list(range(1_000))
    assert counted.sent < 2_500


def test_patience_follows_what_acks_take_and_doubles_with_each_repetition():
    one = pace.Pace()
    assert [one.patience(attempt, 0.5) for attempt in (1, 2, 3, 9)] == [2.0, 4.0, 8.0, 30.0]
    assert (one.patience(2, 0.0), one.patience(2, 1.0)) == (3.0, 5.0)
    for _ in range(100):
        one.confirmed(5.0, again=False)
    assert 9.9 < one.patience(1, 0.0) <= 10.0
    one.overdue(again=False)
    windows = [one.window]
    for _ in range(3):
        for _ in range(windows[-1]):
            one.confirmed(0.01, again=True)
        windows.append(one.window)
    assert windows == [64, 128, 256, 512]
    assert (one.patience(1, 0.0), one.repeats) == (2.0, 2_048)
    one.overdue(again=True)
    assert (one.window, one.repeats) == (64, 1)
