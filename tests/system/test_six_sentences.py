"""Offline, without a model: six sentences do what they say, seen in the state, as events, and in the answer's own words."""

import asyncio
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.client import TERMINAL, Client
from support.system import System, running

ZONE = ZoneInfo("Europe/Berlin")
LONG = 90.0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """With the example of flights, as `./colloquy up` starts it."""
    with running(tmp_path_factory.mktemp("sentences"), flights=True, INFERENCE_DEMO_TOKENS_PER_SECOND="0") as system:
        yield system


@pytest.fixture
async def ana(whole: System, request: pytest.FixtureRequest):
    """A person of this test alone, who has said where they live."""
    async with whole.client(request.node.name.removeprefix("test_")[:40]) as client:
        await client.call("PUT", "/api/v1/preferences", json={"timezone": "Europe/Berlin", "home": "Berlin"})
        yield client


@dataclass
class Heard:
    """What came of a message: the answer, and every event of this person until then, by type."""

    text: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


async def say(client: Client, text: str, *awaited: str, conversation: str | None = None) -> Heard:
    """Says this, and listens to the person's whole stream until the answer has ended and the awaited events have come."""
    accepted = await client.send(text, **({"conversationId": conversation} if conversation else {}))
    heard = Heard()
    missing = {*awaited, "message.completed"}
    async with asyncio.timeout(LONG):
        async for event in client.follow(f"/api/v1/stream?{accepted['streamUrl'].partition('?')[2]}"):
            heard.events.setdefault(event.event, []).append(event.data)
            if event.event in TERMINAL and event.data["generationId"] == accepted["generationId"]:
                assert event.event == "message.completed", event.data
                heard.text = event.data["message"]["text"]
                heard.calls = event.data["message"].get("toolCalls") or []
            missing.discard(event.event)
            if not missing:
                return heard
    raise AssertionError("unreachable")


def tomorrow_at_9() -> str:
    day = datetime.now(ZONE).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, 9, tzinfo=ZONE).astimezone(UTC).isoformat().replace("+00:00", "Z")


async def test_remind_me_to_call_john_tomorrow_at_9(ana: Client):
    heard = await say(ana, "remind me to call John tomorrow at 9", "task.created", "action.created", "tool.finished")
    (task,) = (await ana.call("GET", "/api/v1/state"))["tasks"]
    assert (task["title"], task["due"], task["status"]) == ("call John", tomorrow_at_9(), "open")
    assert heard.events["task.created"][0]["task"]["id"] == task["id"]
    assert "**call John**" in heard.text
    assert "09:00 (Europe/Berlin)" in heard.text
    assert [(call["name"], call["status"]) for call in heard.calls] == [
        ("create_task", "completed"),
        ("start_workflow", "completed"),
    ]


async def test_what_is_on_my_agenda(ana: Client):
    now = datetime.now(ZONE)
    start = now.replace(hour=23, minute=0, second=0, microsecond=0)
    event = {"title": "Stargazing", "start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat()}
    await ana.call("POST", "/api/v1/calendar/event", json=event)
    await ana.call("POST", "/api/v1/tasks", json={"action": "create", "task": {"title": "Pay", "due": now.date().isoformat()}})
    heard = await say(ana, "what's on my agenda?")
    assert "23:00–23:30 **Stargazing**" in heard.text
    assert "Pay" in heard.text


async def test_find_flights_to_paris_next_week(ana: Client):
    heard = await say(ana, "find flights to Paris next week", "tool.started", "tool.finished")
    assert "Flights to" in heard.text, heard.text
    assert "EUR" in heard.text
    assert [call["name"] for call in heard.calls] == ["find_flights"]
    (trip,) = (await ana.call("GET", "/api/v1/travel/suggestions"))["upcomingTrips"]
    assert trip["destination"] == "Paris"
    flights = trip["rankedFlights"]
    assert flights[0]["rank"] == 1
    assert flights[0]["reasoning"]
    assert flights[0]["airline"] in heard.text


async def test_m083_a_flight_that_was_found_is_chosen_and_booked_after_a_yes(ana: Client):
    await say(ana, "find flights to Paris next week")
    (trip,) = (await ana.call("GET", "/api/v1/travel/suggestions"))["upcomingTrips"]
    flight = trip["rankedFlights"][0]["flightId"]
    booking = (await ana.call("POST", f"/api/v1/travel/{trip['workflowId']}/select/{flight}"))["id"]
    await ana.call("POST", f"/api/v1/workflows/{booking}/events", json={"type": "approved", "payload": {"approved": True}})
    async with asyncio.timeout(LONG):
        while (state := await ana.call("GET", f"/api/v1/workflows/{booking}"))["status"] not in ("completed", "failed"):
            await asyncio.sleep(0.1)
    assert state["status"] == "completed", state
    assert state["output"]["confirmation"]
    titles = [task["title"] for task in (await ana.call("GET", "/api/v1/tasks"))["tasks"]]
    assert sorted(title.partition(":")[0] for title in titles) == ["Check in", "Ride to the airport", "Travel documents"]


async def test_a_note_is_kept_as_it_was_said(ana: Client):
    await say(ana, "note: The code is 4711.\nDon't tell!", "note.created")
    (note,) = (await ana.call("GET", "/api/v1/state"))["notes"]
    assert note["text"] == "The code is 4711.\nDon't tell!"


async def test_plan_my_day(ana: Client):
    for title in ("Write", "Call", "Buy", "Walk"):
        await ana.call("POST", "/api/v1/tasks", json={"action": "create", "task": {"title": title}})
    heard = await say(ana, "plan my day")
    today = datetime.now(ZONE).date().isoformat()
    plan = await ana.call("GET", f"/api/v1/plan/{today}")
    assert plan["priorities"] == ["Write", "Call", "Buy"]
    assert plan["todos"] == ["Walk"]
    assert "1. Write" in heard.text


async def test_summarise_my_week(ana: Client):
    done = await ana.call("POST", "/api/v1/tasks", json={"action": "create", "task": {"title": "Bake bread"}})
    await ana.call("POST", "/api/v1/tasks", json={"action": "complete", "task": {"id": done["id"]}})
    await ana.call("POST", "/api/v1/tasks", json={"action": "create", "task": {"title": "Clean"}})
    await ana.call("POST", "/api/v1/notes", json={"text": "Sourdough needs time"})
    heard = await say(ana, "summarise my week")
    for part in ("**Done** (1)", "Bake bread", "**Still open** (1)", "Clean", "Sourdough"):
        assert part in heard.text


async def test_a_question_is_answered_in_the_next_turn(ana: Client):
    conversation = (await ana.call("POST", "/api/v1/conversations", json={}))["id"]
    asked = await say(ana, "Remind me to water the Plants", conversation=conversation)
    assert asked.text == "When shall I remind you to water the Plants?"
    await say(ana, "tomorrow at 9", "task.created", conversation=conversation)
    (task,) = (await ana.call("GET", "/api/v1/state"))["tasks"]
    assert (task["title"], task["due"]) == ("water the Plants", tomorrow_at_9())


async def test_a_tool_server_that_is_killed_is_there_again(whole: System, ana: Client):
    killed = whole.signal("flights-1", signal.SIGKILL)
    heard = await say(ana, "find flights from Oslo to Rome on 24 December")
    assert "EUR" in heard.text, heard.text
    assert whole.pid("flights-1") != killed


async def test_several_things_are_done_one_after_the_other(ana: Client):
    heard = await say(ana, "add a task: Sing and then note: do re mi. Show my tasks", "task.created")
    assert "Sing" in heard.text
    assert [task["title"] for task in (await ana.call("GET", "/api/v1/state"))["tasks"]] == ["Sing"]
