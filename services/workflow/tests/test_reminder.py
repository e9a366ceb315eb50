"""A reminder comes at its moment, once, and not for what is done by then."""

from datetime import UTC, datetime, timedelta

import pytest
from neighbours_double import neighbours, new_task

from shared.contract import workflow as contract
from shared.contract.workflow import ListSchedules

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
async def others(new_bus):
    async with neighbours(await new_bus("memory"), await new_bus("inference")) as double:
        yield double


async def test_m082_it_waits_for_its_moment_and_tells_once(ana, others):
    at = datetime.now(UTC) + timedelta(seconds=1)
    name = await ana.create("reminder", {"text": "Call John", "at": at.isoformat()})
    assert await ana.result(name) == {"told": True}
    assert datetime.now(UTC) >= at
    assert [one.title for one in others.conversations] == ["Reminders"]
    assert [output.text for output in others.outputs.values()] == ["Reminder: **Call John**"]


async def test_what_is_done_by_then_is_not_reminded_of(ana, others):
    others.tasks = [new_task("Call John")]
    known = others.tasks[0].id
    assert await ana.result(await ana.create("reminder", {"text": "Call John", "taskId": known})) == {"told": True}
    assert await ana.result(await ana.create("reminder", {"text": "Call John", "taskId": "t_gone"})) == {"told": False}
    assert len(others.outputs) == 1


@pytest.mark.usefixtures("others")
async def test_one_that_repeats_is_a_schedule_in_the_person_s_timezone(ana):
    params = {"text": "Water the plants", "cron": "0 8 * * 1", "timezone": "Europe/Berlin"}
    output = await ana.result(await ana.create("reminder", params))
    (schedule,) = (await ana.bus.ask(contract.LIST_SCHEDULES, ListSchedules(user="ana"), timeout=30)).schedules
    assert schedule.schedule_id == output["scheduleId"]
    assert (schedule.type, schedule.cron, schedule.timezone) == ("reminder", "0 8 * * 1", "Europe/Berlin")
    assert schedule.params == {"text": "Water the plants"}
