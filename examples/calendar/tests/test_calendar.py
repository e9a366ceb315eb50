"""The example of a calendar: always the same entries, with ids that stay."""

import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from mcp import Client, StdioServerParameters

from example_calendar.__main__ import NOTICE, server
from example_calendar.diary import entries

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 30, tzinfo=BERLIN)


async def test_events_of_some_days_are_listed_and_said_to_be_made_up():
    async with Client(server("ana", BERLIN)) as client:
        asked = {"start": MONDAY.isoformat(), "end": (MONDAY + timedelta(days=7)).isoformat()}
        answer = (await client.call_tool("list_events", asked)).structured_content
        assert answer["notice"] == NOTICE
        assert {event["title"] for event in answer["events"]} > {"Standup"}
        assert len({event["id"] for event in answer["events"]}) == len(answer["events"]) >= 5
        assert (await client.call_tool("list_events", {"start": "now", "end": "later"})).is_error
        assert (await client.call_tool("list_events", {"start": "2026-01-01", "end": "2036-01-01"})).is_error


def test_there_is_a_journey_each_month():
    found = entries(datetime(2026, 12, 1, tzinfo=BERLIN), datetime(2027, 1, 1, tzinfo=BERLIN), "ana", BERLIN)
    assert [entry.location for entry in found if entry.uid.endswith("-trip")] == ["Paris"]


@given(st.integers(0, 300), st.integers(1, 90), st.integers(1, 90))
def test_windows_that_overlap_agree(offset: int, first: int, second: int):
    start = MONDAY + timedelta(days=offset)
    short = entries(start, start + timedelta(days=min(first, second)), "ana", BERLIN)
    long = entries(start, start + timedelta(days=max(first, second)), "ana", BERLIN)
    assert [entry for entry in long if entry.start < start + timedelta(days=min(first, second))] == short
    assert all(entry.end > start for entry in long)


async def test_it_speaks_over_stdio():
    async with Client(StdioServerParameters(command=sys.executable, args=["-m", "example_calendar"])) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["list_events"]
