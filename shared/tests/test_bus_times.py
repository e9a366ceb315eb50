"""Messages that are published at a time, and what a stream holds of many subjects; orders that belong to somebody else."""

import asyncio
from datetime import UTC, datetime, timedelta

from shared.bus import Delivery, NotMine, TakenOver
from shared.contract.subjects import journal, journals_of, run, timer
from shared.contract.workflow import RUN, Wake

WAKE = Wake(user="ana", workflow_id="w_1")


async def run_orders(bus, outcomes):
    """The deliveries of the queue until there is one more than there are outcomes to raise."""
    seen: asyncio.Queue[tuple[Wake, Delivery]] = asyncio.Queue()
    outcomes = iter(outcomes)

    async def handle(order: Wake, delivery: Delivery) -> None:
        seen.put_nowait((order, delivery))
        outcome = next(outcomes, None)
        if outcome is not None:
            raise outcome

    async def dead(*_) -> None: ...

    return seen, bus.work(RUN, handle, dead, slots=4)


async def test_a_message_is_published_at_its_time_and_a_later_one_replaces_it(bus):
    now = datetime.now(UTC)
    await bus.schedule(timer("ana", "w_1"), b"never", at=now + timedelta(days=300), target=run("ana", "w_1"))
    await bus.schedule(timer("ana", "w_1"), WAKE.encode(), at=now + timedelta(seconds=0.3), target=run("ana", "w_1"))
    seen, working = await run_orders(bus, [])
    async with working, asyncio.timeout(20):
        order, _ = await seen.get()
    assert order == WAKE
    assert datetime.now(UTC) - now >= timedelta(seconds=0.3)
    assert await bus.last(timer("ana", "w_1")) is None


async def test_what_is_due_already_is_published_at_once(bus):
    await bus.schedule(timer("ana", "w_1"), WAKE.encode(), at=datetime(2020, 1, 1, tzinfo=UTC), target=run("ana", "w_1"))
    seen, working = await run_orders(bus, [])
    async with working, asyncio.timeout(20):
        assert (await seen.get())[0] == WAKE


async def test_an_order_that_is_not_mine_comes_again_to_any_worker(bus):
    stored = await bus.store(run("ana", "w_1"), WAKE.encode())
    seen, working = await run_orders(bus, [NotMine(0.05)])
    async with working, asyncio.timeout(20):
        first, second = await seen.get(), await seen.get()
    assert [each[1].count for each in (first, second)] == [1, 2]
    assert {each[1].sequence for each in (first, second)} == {stored.sequence}
    assert not await bus.exists(run("ana", "w_1"), stored.sequence)


async def test_T12_of_an_order_that_was_taken_over_nothing_is_said(bus):
    stored = await bus.store(run("ana", "w_1"), WAKE.encode())
    seen, working = await run_orders(bus, [TakenOver()])
    async with working, asyncio.timeout(20):
        await seen.get()
    assert await bus.exists(run("ana", "w_1"), stored.sequence)


async def test_the_newest_message_of_many_subjects_in_few_questions(bus):
    subjects = [journal("ana", f"w_{number}") for number in range(620)]
    for content in (b"old", b"new"):
        await asyncio.gather(*(bus.store(subject, content + subject.encode()) for subject in subjects))
    await bus.store(journal("bob", "w_1"), b"bob")
    assert sorted(await bus.subjects(journals_of("ana"))) == sorted(subjects)
    newest = await bus.newest([*subjects, journal("ana", "nothing")])
    assert {data for _, _, data in newest} == {b"new" + subject.encode() for subject in subjects}
    assert await bus.newest([]) == []
    assert await bus.subjects(journals_of("nobody")) == []
