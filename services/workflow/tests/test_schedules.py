"""Schedules: each moment once, in the person's timezone, and what was missed is said."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from calling import Caller

from shared.bus import Bus
from shared.contract import subjects
from shared.contract import workflow as contract
from shared.contract.subjects import tick as tick_order
from shared.contract.workflow import DropSchedule, ListSchedules, PutSchedule, Ring, Schedule
from shared.errors import Invalid, LimitReached, UnknownWorkflowType
from workflow import cron
from workflow.ticking import scheduled, tick, workflow_id

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def moments(expression: str, after: datetime, zone: ZoneInfo, count: int = 3) -> list[str]:
    found = cron.parse(expression).moments(after, zone)
    return [f"{next(found).astimezone(zone):%m-%d %H:%M %z}" for _ in range(count)]


def test_a_moment_is_that_of_the_persons_clock_also_when_the_clocks_change():
    october = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
    assert moments("0 8 * * *", october, BERLIN) == ["10-25 08:00 +0100", "10-26 08:00 +0100", "10-27 08:00 +0100"]
    march = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    assert moments("30 2 * * *", march, BERLIN, 2) == ["03-29 03:30 +0200", "03-30 02:30 +0200"]
    assert moments("30 2 * * *", october, BERLIN, 2) == ["10-25 02:30 +0200", "10-26 02:30 +0100"]


def test_what_comes_every_hour_comes_in_the_doubled_hour_too():
    night = datetime(2026, 10, 24, 23, 59, tzinfo=UTC)
    assert moments("0 * * * *", night, BERLIN, 4) == [
        "10-25 02:00 +0200",
        "10-25 02:00 +0100",
        "10-25 03:00 +0100",
        "10-25 04:00 +0100",
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/15 9-10 * * mon-fri", ["11-23 09:00 +0000", "11-23 09:15 +0000", "11-23 09:30 +0000"]),
        ("0 0 29 feb *", ["02-29 00:00 +0000", "02-29 00:00 +0000"]),
        ("0 12 13 * 5", ["11-27 12:00 +0000", "12-04 12:00 +0000", "12-11 12:00 +0000"]),
        ("@daily", ["11-21 00:00 +0000", "11-22 00:00 +0000", "11-23 00:00 +0000"]),
        ("5,10 3 * * 7", ["11-22 03:05 +0000", "11-22 03:10 +0000", "11-29 03:05 +0000"]),
    ],
)
def test_an_expression_means_what_cron_makes_of_it(expression, expected):
    assert moments(expression, NOW, ZoneInfo("UTC"), len(expected)) == expected


WRONG = "|* * * *|60 * * * *|* 24 * * *|* * 0 * *|* * * 13 *|* * * * 8|a * * * *|5-1 * * * *|*/0 * * * *|9999999999 * * * *"


@pytest.mark.parametrize("expression", WRONG.split("|"))
def test_what_is_no_expression_is_refused(expression):
    with pytest.raises(Invalid):
        cron.parse(expression)


@pytest.mark.parametrize("name", ["", "Nowhere/City", "../../etc/passwd", "Europe", "\x00"])
def test_what_is_no_timezone_is_refused(name):
    with pytest.raises(Invalid):
        cron.zone_of(name)


def test_a_moment_that_never_comes_is_refused():
    with pytest.raises(Invalid):
        scheduled(PutSchedule(user="ana", schedule_id="s", type="echo", cron="0 0 30 2 *"), NOW)


def hourly() -> Schedule:
    return scheduled(PutSchedule(user="ana", schedule_id="s", type="echo", cron="0 * * * *"), NOW)


def test_moments_that_were_missed_are_counted_and_the_newest_one_runs():
    made = tick(hourly(), NOW + timedelta(hours=5, minutes=30))
    assert (made.tick.due, made.tick.missed) == (NOW + timedelta(hours=5), 4)
    assert made.schedule is not None
    assert (made.schedule.next_at, made.schedule.missed, made.schedule.runs) == (NOW + timedelta(hours=6), 4, 1)
    assert workflow_id(made.tick) == "s-20261120T170000Z"


def test_years_of_missed_minutes_are_counted_in_no_time():
    schedule = scheduled(PutSchedule(user="ana", schedule_id="s", type="echo", cron="* * * * *"), NOW)
    made = tick(schedule, NOW + timedelta(days=800))
    assert made.tick.missed == 10_000
    assert made.schedule is not None
    assert made.schedule.next_at == NOW + timedelta(days=800, minutes=1)


async def put(bus: Bus, **fields) -> Schedule:
    return await bus.ask(contract.PUT_SCHEDULE, PutSchedule(user="ana", **fields), timeout=20)


async def schedules(bus: Bus) -> list[Schedule]:
    return (await bus.ask(contract.LIST_SCHEDULES, ListSchedules(user="ana"), timeout=20)).schedules


async def test_a_schedule_begins_its_workflow_at_its_moment_and_once_is_once(ana: Caller, worker):
    at = datetime.now(UTC) + timedelta(seconds=1)
    await put(ana.bus, schedule_id="once", type="echo", params={"a": 1}, at=at)
    (kept,) = await schedules(ana.bus)
    assert kept.next_at == at
    begun = f"once-{at:%Y%m%dT%H%M%SZ}"
    state = await until_it_exists(ana, begun)
    assert (state.tick.due, state.tick.missed, state.params) == (at, 0, {"a": 1})
    await ana.result(begun)
    assert await schedules(ana.bus) == []


async def until_it_exists(ana: Caller, wanted: str):
    async with asyncio.timeout(40):
        while wanted not in [each.id for each in (await ana.list()).workflows]:
            await asyncio.sleep(0.05)
    return await ana.get(wanted)


async def test_no_moment_runs_twice_however_often_it_is_told(ana: Caller, bus, new_worker):
    for _ in range(2):
        await new_worker()
    schedule = await put(ana.bus, schedule_id="yearly", type="echo", cron="@yearly")
    ring = Ring(user="ana", schedule_id="yearly", due=schedule.next_at)
    for _ in range(6):  # the moment comes early, six times: to a worker that has only its order to go by
        await bus.store(tick_order("ana", "yearly"), ring.encode())
    await until_it_exists(ana, f"yearly-{schedule.next_at:%Y%m%dT%H%M%SZ}")
    await ana.result((await ana.list()).workflows[0].id)
    (after,) = await schedules(ana.bus)
    assert (after.runs, after.missed, len((await ana.list()).workflows)) == (1, 0, 1)
    assert after.next_at.year == schedule.next_at.year + 1


async def test_ticks_missed_while_nobody_was_there_are_said(ana: Caller, bus, new_worker):
    at = datetime.now(UTC).replace(microsecond=0, second=0) - timedelta(minutes=10)
    minutely = scheduled(PutSchedule(user="ana", schedule_id="minutely", type="echo", cron="* * * * *"), at)
    await bus.store(subjects.schedule("ana", "minutely"), minutely.encode())
    await bus.store(tick_order("ana", "minutely"), Ring(user="ana", schedule_id="minutely", due=minutely.next_at).encode())
    await new_worker()
    async with asyncio.timeout(40):
        while not (found := (await ana.list()).workflows):
            await asyncio.sleep(0.05)
    assert (await ana.get(found[-1].id)).tick.missed in (9, 10)


async def test_schedules_are_replaced_dropped_limited_and_checked(ana: Caller, new_worker):
    await new_worker(max_schedules=2)
    await put(ana.bus, schedule_id="a", type="echo", cron="@daily")
    await put(ana.bus, schedule_id="a", type="echo", cron="@hourly", timezone="Asia/Kolkata")
    await put(ana.bus, schedule_id="b", type="echo", cron="@yearly")
    with pytest.raises(LimitReached):
        await put(ana.bus, schedule_id="c", type="echo", cron="@daily")
    assert [(each.schedule_id, each.cron) for each in await schedules(ana.bus)] == [("a", "@hourly"), ("b", "@yearly")]
    for _ in range(2):
        await ana.bus.ask(contract.DROP_SCHEDULE, DropSchedule(user="ana", schedule_id="a"), timeout=20)
    assert [each.schedule_id for each in await schedules(ana.bus)] == ["b"]
    for wrong in (
        {"cron": "@daily", "at": NOW},
        {},
        {"cron": "x"},
        {"cron": "@daily", "timezone": "No/Where"},
        {"cron": "@daily", "schedule_id": "a.b"},
    ):
        with pytest.raises(Invalid):
            await put(ana.bus, **({"schedule_id": "b", "type": "echo"} | wrong))
    with pytest.raises(UnknownWorkflowType):
        await put(ana.bus, schedule_id="b", type="unheard_of", cron="@daily")
