"""The guard ends a production once, quietly, and for the right reason."""

import asyncio

import pytest

from inference.guard import Deadlines, Guard, Stops

LONG = Deadlines(60, 60, 60)


async def test_a_production_that_ends_by_itself_has_no_reason():
    async with (guard := Guard(LONG)):
        guard.heard()
    assert guard.reason is None


async def test_a_stop_that_came_before_the_production_ends_it_at_its_first_await():
    guard = Guard(LONG)
    guard.end("stopped")
    async with guard:
        await asyncio.Event().wait()
    assert guard.reason == "stopped"


@pytest.mark.parametrize(
    ("deadlines", "speaks", "reason"),
    [
        (Deadlines(0.03, 60, 60), False, "first token"),
        (Deadlines(60, 0.03, 60), True, "idle"),
        (Deadlines(60, 60, 0.03), True, "total"),
    ],
)
async def test_f23_each_deadline_has_its_name(deadlines: Deadlines, speaks: bool, reason: str):
    async with (guard := Guard(deadlines)):
        if speaks:
            guard.heard()
        await asyncio.Event().wait()
    assert guard.reason == reason


async def test_words_push_the_idle_deadline_away():
    async with (guard := Guard(Deadlines(60, 0.2, 60))):
        for _ in range(10):
            await asyncio.sleep(0.04)
            guard.heard()
    assert guard.reason is None


async def test_a_model_that_has_to_wait_for_us_is_not_late():
    async with (guard := Guard(Deadlines(0.05, 0.05, 60))):
        with guard.patience():
            await asyncio.sleep(0.2)
    assert guard.reason is None


async def test_cancelling_from_outside_is_not_mistaken_for_an_end():
    async def produce():
        async with Guard(LONG):
            await asyncio.Event().wait()

    task = asyncio.create_task(produce())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_lost_generation_stays_lost_whatever_is_heard_afterwards():
    guard = Guard(LONG)
    for reason in ("stopped", "lost", "stopped"):
        guard.end(reason)
    assert guard.reason == "lost"


async def test_a_stop_reaches_every_attempt_of_its_generation_and_no_other():
    stops, guards = Stops(), [Guard(LONG) for _ in range(3)]
    with stops.watch("g_1", guards[0]), stops.watch("g_1", guards[1]), stops.watch("g_2", guards[2]):
        stops.stop("g_1")
        stops.stop("g_unknown")
    stops.stop("g_2")
    assert [guard.reason for guard in guards] == ["stopped", "stopped", None]
