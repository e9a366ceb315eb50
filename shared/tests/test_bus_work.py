"""Work on a real queue: workers that die, hang, leave, refuse and fail."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from shared import held
from shared.bus import Bus, Delivery, Later
from shared.contract.inference import GENERATE, Generate
from shared.contract.subjects import dead
from shared.contract.topics import Queue
from shared.errors import Unavailable
from shared.provision import ProvisionSettings, provision

GRAVE = dead(GENERATE.name, "ana")


def order(name: str) -> Generate:
    return Generate(generation_id=name, user="ana", conversation_id="c_1")


async def give(bus: Bus, *names: str) -> None:
    await asyncio.gather(*(bus.store(GENERATE.subject("ana"), order(name).encode(), timeout=20) for name in names))


async def left(bus: Bus) -> int:
    """Orders that are still in the queue."""
    return len(await bus.read(GENERATE.subject("ana")))


async def empty(bus: Bus) -> None:
    async with asyncio.timeout(20):
        while await left(bus):
            await asyncio.sleep(0.02)


async def a_pull_stands(bus: Bus) -> None:
    """The server holds a pull request. One that arrives while its consumer is being deleted is lost without a word."""
    async with asyncio.timeout(20):
        while b'"num_waiting":0' in (await bus._asker.ask(b"$JS.API.CONSUMER.INFO.JOBS.generate", b"", timeout=5)).data:
            await asyncio.sleep(0.01)


@dataclass
class Desk:
    """A handler that writes down what it saw; `does` decides what happens."""

    does: Callable[[str, Delivery], Awaitable[None]]
    seen: asyncio.Queue[tuple[str, int]] = field(default_factory=asyncio.Queue)
    buried: asyncio.Queue[tuple[str, str]] = field(default_factory=asyncio.Queue)

    async def handle(self, message: Generate, delivery: Delivery) -> None:
        self.seen.put_nowait((message.generation_id, delivery.count))
        await self.does(message.generation_id, delivery)

    async def bury(self, message: Generate, reason: str) -> None:
        self.buried.put_nowait((message.generation_id, reason))

    def at(self, bus: Bus, queue: Queue[Generate] = GENERATE, *, slots: int = 4, grace: float = 0.1):
        return bus.work(queue, self.handle, self.bury, slots=slots, grace=grace)


async def nothing(_name: str, _delivery: Delivery) -> None: ...


async def forever(_name: str, _delivery: Delivery) -> None:
    await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(held, "BACKOFF_SECONDS", 0.05)


@pytest.fixture
async def worker(new_bus) -> Bus:
    return await new_bus("inference")


async def test_every_order_is_carried_out_once_and_then_gone(bus, worker):
    desk = Desk(nothing)
    async with desk.at(worker):
        await give(bus, *(f"g_{number}" for number in range(500)))
        await empty(bus)
    assert sorted(desk.seen.get_nowait() for _ in range(500)) == sorted((f"g_{number}", 1) for number in range(500))
    assert desk.seen.empty()


async def test_no_more_than_the_slots_run_at_a_time_and_all_of_them_are_used(bus, worker):
    running, most = 0, 0

    async def count(_name: str, _delivery: Delivery) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1

    await give(bus, *(f"g_{number}" for number in range(40)))
    async with Desk(count).at(worker, slots=8):
        await empty(bus)
    assert most == 8


async def test_two_workers_share_the_orders(bus, new_bus):
    desks = Desk(nothing), Desk(nothing)
    one, two = await new_bus("inference"), await new_bus("inference")
    async with desks[0].at(one, slots=1), desks[1].at(two, slots=1):
        await give(bus, *(f"g_{number}" for number in range(100)))
        await empty(bus)
    assert desks[0].seen.qsize() + desks[1].seen.qsize() == 100
    assert min(desk.seen.qsize() for desk in desks) > 0


async def test_later_and_busy_bring_an_order_back_without_using_up_its_tries(bus, worker):
    raised = iter([Later(0.01), Unavailable(retry_after=0.01)] * 5)

    async def not_yet(_name: str, _delivery: Delivery) -> None:
        for error in raised:
            raise error

    desk = Desk(not_yet)
    async with desk.at(worker):
        await give(bus, "g")
        await empty(bus)
    assert [desk.seen.get_nowait() for _ in range(11)] == [("g", 1)] * 11
    assert desk.buried.empty()


async def test_orders_that_wait_for_their_time_leave_the_slots_to_others(bus, worker):
    async def wait_if_told(name: str, _delivery: Delivery) -> None:
        if name.startswith("wait"):
            raise Later(60)

    desk = Desk(wait_if_told)
    async with desk.at(worker, slots=1):
        await give(bus, "wait_1", "wait_2", "wait_3", "go")
        while await desk.seen.get() != ("go", 1):
            pass
    assert await left(bus) == 3


async def test_F27_a_bug_is_tried_again_and_then_buried_with_its_reason(bus, worker):
    async def fail(_name: str, _delivery: Delivery) -> None:
        raise ZeroDivisionError("a secret")

    desk = Desk(fail)
    async with desk.at(worker):
        await give(bus, "g")
        assert await desk.buried.get() == ("g", "failed 4 times")
        await empty(bus)
    assert [desk.seen.get_nowait() for _ in range(4)] == [("g", 1), ("g", 2), ("g", 3), ("g", 4)]
    assert [data for _, _, data in await bus.read(GRAVE)] == [order("g").encode()]


async def test_the_last_try_is_announced(bus, worker):
    announced = []

    async def fail(_name: str, delivery: Delivery) -> None:
        announced.append(delivery.last)
        raise ZeroDivisionError

    desk = Desk(fail)
    async with desk.at(worker):
        await give(bus, "g")
        await desk.buried.get()
    assert announced == [False, False, False, True]


@pytest.mark.parametrize("poison", [b"", b"{", b"{}", b'{"generationId":1}', b"\xff", b"[" * 5_000])
async def test_F27_an_order_that_can_not_be_read_is_buried_and_others_flow(bus, worker, poison):
    desk = Desk(nothing)
    async with desk.at(worker, slots=1):
        await bus.store(GENERATE.subject("ana"), poison)
        await give(bus, "g")
        assert await desk.seen.get() == ("g", 1)
        await empty(bus)
    assert [data for _, _, data in await bus.read(GRAVE)] == [poison]
    assert desk.buried.empty()


async def test_S14_the_reason_of_a_burial_repeats_no_words_of_the_order(bus, worker, new_client):
    await bus.store(GENERATE.subject("ana"), b'{"generationId": "a secret", "user": 1}')
    async with Desk(nothing).at(worker):
        await empty(bus)
    stored = await (await new_client()).jetstream().get_last_msg("DEAD", GRAVE)
    assert stored.headers["Colloquy-Deliveries"] == "1"
    assert "can't be read" in stored.headers["Colloquy-Reason"]
    assert "secret" not in stored.headers["Colloquy-Reason"]


async def test_a_burial_that_fails_half_way_is_repeated(bus, worker):
    told = []

    async def fail(_message: Generate, _delivery: Delivery) -> None:
        raise ZeroDivisionError

    async def bury(message: Generate, _reason: str) -> None:
        told.append(message.generation_id)
        if len(told) < 3:
            raise Unavailable(retry_after=0.01)
        if len(told) < 4:
            raise ZeroDivisionError

    async with worker.work(GENERATE, fail, bury, slots=1):
        await give(bus, "g")
        await empty(bus)
    assert told == ["g"] * 4
    assert len(await bus.read(GRAVE)) == 1


async def test_an_order_that_kills_its_worker_each_time_is_buried_without_another_try(bus, worker, new_client):
    await give(bus, "g")
    subscription = await (await new_client()).jetstream().pull_subscribe_bind(GENERATE.name, "JOBS")
    for _ in range(GENERATE.deliveries):
        (message,) = await subscription.fetch(1)
        await message.nak()
    desk = Desk(nothing)
    async with desk.at(worker):
        assert await desk.buried.get() == ("g", "given up after 4 deliveries")
        await empty(bus)
    assert desk.seen.empty()


async def test_an_order_that_takes_long_stays_with_its_worker(bus, worker, quick):
    async def long(_name: str, _delivery: Delivery) -> None:
        await asyncio.sleep(3 * quick.ack_wait)

    desk = Desk(long)
    async with desk.at(worker, quick, grace=5):
        await give(bus, "g")
        await empty(bus)
    assert desk.seen.qsize() == 1


async def test_F1_an_order_of_a_worker_that_vanishes_goes_to_another(bus, new_bus, quick):
    lost, other = Desk(forever), Desk(nothing)
    vanishing = await new_bus("inference")
    async with lost.at(vanishing, quick, slots=1):
        await give(bus, "g")
        await lost.seen.get()
        async with other.at(await new_bus("inference"), quick):
            vanishing.wire.publish = _offline  # nothing of it reaches NATS any more
            assert await other.seen.get() == ("g", 2)
            await empty(bus)


def _offline(*_args, **_options) -> None: ...


async def test_F30_leaving_gives_everything_back_at_once(bus, new_bus):
    leaving, staying = Desk(forever), Desk(nothing)
    async with leaving.at(await new_bus("inference"), slots=3):
        await give(bus, "g_1", "g_2", "g_3")
        for _ in range(3):
            await leaving.seen.get()
    async with asyncio.timeout(5), staying.at(await new_bus("inference")):
        taken = {await staying.seen.get() for _ in range(3)}
    assert taken == {("g_1", 2), ("g_2", 2), ("g_3", 2)}


async def test_F30_a_handler_that_is_told_to_leave_may_hand_over(bus, worker):
    handed_over = []

    async def hand_over(name: str, _delivery: Delivery) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)
            handed_over.append(name)
            raise Later(0) from None

    desk = Desk(hand_over)
    async with desk.at(worker):
        await give(bus, "g")
        await desk.seen.get()
    again = Desk(nothing)
    async with asyncio.timeout(5), again.at(worker):
        assert await again.seen.get() == ("g", 2)
    assert handed_over == ["g"]


async def test_F30_what_is_nearly_done_is_finished(bus, worker):
    async def nearly(_name: str, _delivery: Delivery) -> None:
        await asyncio.sleep(0.2)

    desk = Desk(nearly)
    async with desk.at(worker, grace=5):
        await give(bus, "g")
        await desk.seen.get()
    assert await left(bus) == 0


async def test_orders_put_aside_are_given_back_when_the_worker_leaves(bus, worker):
    async def wait(_name: str, _delivery: Delivery) -> None:
        raise Later(60)

    desk = Desk(wait)
    async with desk.at(worker):
        await give(bus, "g")
        await desk.seen.get()
    again = Desk(nothing)
    async with asyncio.timeout(5), again.at(worker):
        assert await again.seen.get() == ("g", 2)


async def test_F9_kill_9_of_nats_in_the_middle_of_work(bus, worker, nats_server, quick):
    done: Counter[str] = Counter()

    async def carry_out(name: str, _delivery: Delivery) -> None:
        await asyncio.sleep(0.01)
        done[name] += 1

    names = [f"g_{number}" for number in range(300)]
    desk = Desk(carry_out)
    async with desk.at(worker, quick, slots=8):
        giving = asyncio.ensure_future(give(bus, *names))
        for _ in range(2):
            for _ in range(30):
                await desk.seen.get()
            await nats_server.kill()
            await nats_server.start()
        await giving
        await empty(bus)
    assert set(done) == set(names)
    assert desk.buried.empty()


async def test_T15_a_worker_that_waits_takes_orders_again_after_nats_was_restarted(bus, worker, nats_server):
    desk = Desk(nothing)
    async with desk.at(worker):
        await nats_server.restart()
        await give(bus, "g")
        async with asyncio.timeout(30):
            assert (await desk.seen.get())[0] == "g"


async def test_F10_a_worker_goes_on_after_nats_was_frozen(bus, worker, nats_server):
    desk = Desk(nothing)
    async with desk.at(worker):
        await give(bus, "before")
        await desk.seen.get()
        nats_server.freeze()
        await asyncio.sleep(0.5)
        nats_server.thaw()
        await give(bus, "after")
        while (await desk.seen.get())[0] != "after":
            pass
        await empty(bus)


async def test_F42_a_consumer_that_is_deleted_and_made_again_is_found_again(bus, worker, nats_server):
    desk = Desk(nothing)
    async with desk.at(worker):
        await a_pull_stands(bus)
        await bus._asker.ask(b"$JS.API.CONSUMER.DELETE.JOBS.generate", b"", timeout=5)
        await provision(nats_server.url("admin"), ProvisionSettings(budget_bytes=nats_server.config.max_file_store))
        await give(bus, "g")
        async with asyncio.timeout(30):
            assert await desk.seen.get() == ("g", 1)


async def test_a_crowd_of_slots_needs_few_requests_and_gets_everything(bus, worker):
    desk = Desk(nothing)
    async with desk.at(worker, slots=300):
        await give(bus, *(f"g_{number}" for number in range(1_000)))
        await empty(bus)
    seen = {desk.seen.get_nowait()[0] for _ in range(desk.seen.qsize())}
    assert seen == {f"g_{number}" for number in range(1_000)}  # once more is possible: an order that was not confirmed in time


@pytest.mark.parametrize("how", ["kill", "freeze"])
async def test_F31_leaving_ends_in_time_though_nats_is_away(bus, new_bus, nats_server, how):
    desk = Desk(forever)
    worker = await new_bus("inference")
    async with asyncio.timeout(20):
        async with desk.at(worker):
            await give(bus, "g_1", "g_2")
            await desk.seen.get()
            await desk.seen.get()
            gone = getattr(nats_server, how)()
            await (gone or asyncio.sleep(0))


async def test_a_handler_that_will_not_be_cancelled_does_not_keep_the_others(bus, worker):
    go_on = asyncio.Event()

    async def stubborn(name: str, _delivery: Delivery) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if name == "stubborn":
                await go_on.wait()
            raise

    desk, other = Desk(stubborn), Desk(nothing)
    async with other.at(bus, slots=1):
        async with desk.at(worker):
            await give(bus, "stubborn", "meek")
            asyncio.get_running_loop().call_later(0.5, go_on.set)
        taken = {await other.seen.get() for _ in range(2)}
    assert {name for name, _ in taken} == {"stubborn", "meek"}
