"""Travel on a real nats-server: flights are searched and ranked, one is chosen, waits for a yes, and is booked once."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from neighbours_double import AT, neighbours

from shared.contract import workflow as contract
from shared.contract.acting import ToolAnswer
from shared.contract.objects import Problem
from shared.contract.person import CalendarEvent
from shared.contract.tools import Tool
from shared.contract.trip import Trip
from shared.contract.workflow import FindFlights, SelectFlight
from shared.errors import FlightChosen, Invalid, LimitReached, UnknownTrip
from workflow.failure import NonRetryable
from workflow.jobs import flights, tooling
from workflow.jobs.flights import Wishes, flights_of, ranked, wishes_of
from workflow.jobs.travel_detection import new_journeys

BERLIN = ZoneInfo("Europe/Berlin")
SEARCH = Tool(
    name="air__search_flights",
    server="air",
    parameters={"properties": {"from": {}, "to": {}, "departure_date": {}}, "required": ["from"]},
)
BOOK = Tool(name="air__book_flight", server="air", policy="ask", heavy=True)
OFFERS = {
    "flights": [
        {
            "id": "dear",
            "airline": "LH",
            "departure": "2026-12-01T09:00:00",
            "arrival": "2026-12-01T10:30:00",
            "price": 300,
            "stops": 0,
        },
        {
            "id": "cheap",
            "airline": "XX",
            "departure": "2026-12-01T05:00:00",
            "arrival": "2026-12-01T12:00:00",
            "price": {"amount": 80, "currency": "EUR"},
            "stops": 1,
        },
    ]
}


@pytest.fixture
async def others(new_bus):
    async with neighbours(await new_bus("memory"), await new_bus("inference")) as double:
        double.preferences = {"home": "Berlin", "timezone": "Europe/Berlin"}
        double.tools = [SEARCH, BOOK]
        double.does = lambda call: OFFERS if call.name == SEARCH.name else {"confirmation": "ABC123"}
        yield double


async def find(ana, **more):
    fields = {"destination": "Paris", "departure_date": "2026-12-01", "key": "k1", **more}
    return await ana.bus.ask(contract.FIND_FLIGHTS, FindFlights(user="ana", **fields), timeout=70)


async def select(ana, workflow_id, flight_id="dear"):
    question = SelectFlight(user="ana", workflow_id=workflow_id, flight_id=flight_id)
    return await ana.bus.ask(contract.SELECT_FLIGHT, question, timeout=30)


# --- the search ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("worker")
async def test_m083_flights_are_found_by_whatever_server_offers_them_ranked_and_kept(ana, others):
    found = await find(ana)
    assert (found.status, [flight.flight_id for flight in found.trip.ranked_flights]) == ("completed", ["cheap", "dear"])
    assert found.trip == others.trips[found.workflow_id]
    (call,) = others.calls
    assert call.arguments == {"from": "Berlin", "to": "Paris", "departure_date": "2026-12-01"}
    assert (call.user, call.warm_only, call.approved) == ("ana", False, False)


@pytest.mark.usefixtures("worker")
async def test_the_same_search_is_made_once(ana, others):
    first, second = await asyncio.gather(find(ana), find(ana))
    assert first.workflow_id == second.workflow_id
    assert len(others.calls) == 1
    assert (await find(ana, key="k2")).workflow_id != first.workflow_id


@pytest.mark.usefixtures("worker")
async def test_a_search_that_takes_long_goes_on_by_itself(ana, others):
    gate = asyncio.Event()

    async def slowly(_):
        await gate.wait()

    original = others.list_tools

    async def later(question):
        await slowly(question)
        return await original(question)

    others.list_tools = later
    found = await find(ana, wait_seconds=0)
    assert found.trip is None
    assert found.status in ("queued", "running")


@pytest.mark.usefixtures("worker")
async def test_a_search_that_can_not_be_made_says_why_and_so_does_the_trip(ana, others):
    others.tools = []
    found = await find(ana)
    assert found.status == "failed"
    assert "INFERENCE_TOOL_SERVERS" in found.error.message
    assert "INFERENCE_TOOL_SERVERS" in others.trips[found.workflow_id].problem
    others.tools, others.preferences = [SEARCH], {}
    assert "origin" in (await find(ana, key="k2")).error.message


@pytest.mark.parametrize("day", ["soon", "2026-02-30"])
@pytest.mark.usefixtures("worker", "others")
async def test_flights_leave_on_a_day(ana, day):
    with pytest.raises(Invalid):
        await find(ana, departure_date=day)


# --- the policy ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("worker")
async def test_m080_a_search_in_the_background_is_light_or_is_not_made(ana, others):
    params = {"destination": "Paris", "departureDate": "2026-12-01"}
    output = await ana.result(await ana.create("travel_prepare", params))
    assert len(output["rankedFlights"]) == 2
    assert others.calls[0].warm_only
    others.tools = [SEARCH.model_copy(update={"heavy": True})]
    workflow_id = await ana.create("travel_prepare", params)
    assert (await ana.result(workflow_id))["rankedFlights"] == []
    (step,) = [step for step in (await ana.get(workflow_id)).steps if step.name == "search flights"]
    assert (step.status, step.error.code) == ("failed", "warm_only")
    assert len(others.calls) == 1
    assert others.trips[workflow_id].problem


# --- the booking -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("worker")
async def test_m083_a_flight_is_booked_after_a_yes_once_and_brings_tasks(ana, others):
    found = await find(ana)
    selected = await select(ana, found.workflow_id)
    assert selected.trip.status == "selected"
    await ana.until(selected.id, "waiting")
    assert [call.name for call in others.calls] == [SEARCH.name]
    await ana.send(selected.id, "approved", {"approved": True, "flightId": "dear"})
    output = await ana.result(selected.id)
    assert (output["booked"], output["confirmation"], len(output["taskIds"])) == (True, "ABC123", 3)
    booked = [call for call in others.calls if call.name == BOOK.name]
    assert len(booked) == 1
    assert booked[0].approved
    assert booked[0].arguments["flightId"] == "dear"
    assert (others.trips[found.workflow_id].status, others.trips[found.workflow_id].confirmation) == ("booked", "ABC123")
    dues = {order.title.partition(":")[0]: order.due for order in others.new_tasks.values()}
    assert dues == {"Check in": "2026-11-30", "Travel documents": dues["Travel documents"], "Ride to the airport": "2026-12-01"}


@pytest.mark.usefixtures("worker")
async def test_the_same_choice_again_is_answered_the_same_and_another_is_refused(ana, others):
    found = await find(ana)
    first = await select(ana, found.workflow_id)
    assert (await select(ana, found.workflow_id)).id == first.id
    with pytest.raises(FlightChosen):
        await select(ana, found.workflow_id, "cheap")
    with pytest.raises(UnknownTrip):
        await select(ana, "w_none")


@pytest.mark.parametrize("payload", [{"approved": False}, {"flightId": "cheap"}])
@pytest.mark.usefixtures("worker")
async def test_what_is_not_approved_is_not_booked(ana, others, payload):
    found = await find(ana)
    selected = await select(ana, found.workflow_id)
    await ana.send(selected.id, "approved", payload)
    assert (await ana.result(selected.id))["booked"] is False
    assert BOOK.name not in [call.name for call in others.calls]
    assert others.trips[found.workflow_id].status == "suggested"


@pytest.mark.usefixtures("worker")
async def test_a_booking_that_fails_says_so_on_the_trip_and_one_that_nobody_knows_of_is_not_tried_again(ana, others):
    found = await find(ana)
    others.does = lambda _: ToolAnswer(status="unknown", error=Problem(code="unknown", message="?"))
    selected = await select(ana, found.workflow_id)
    await ana.send(selected.id, "approved")
    state = await ana.until(selected.id, "failed")
    assert "Nobody knows" in state.error.message
    assert others.trips[found.workflow_id].status == "failed"
    assert len([call for call in others.calls if call.name == BOOK.name]) == 1


@pytest.mark.usefixtures("worker")
async def test_who_has_too_many_tasks_has_the_flight_all_the_same(ana, others):
    found = await find(ana)
    others.refusal = LimitReached()
    selected = await select(ana, found.workflow_id)
    await ana.send(selected.id, "approved")
    assert (await ana.result(selected.id))["taskIds"] == []


async def test_f8_a_booking_outlives_its_worker_while_it_waits(ana, others, new_worker):
    first = await new_worker()
    found = await find(ana)
    selected = await select(ana, found.workflow_id)
    await ana.until(selected.id, "waiting")
    await first.aclose()
    await new_worker()
    await ana.send(selected.id, "approved")
    assert (await ana.result(selected.id))["booked"] is True


# --- ranking ---------------------------------------------------------------------------------------------------------


def event(title, start, end, **fields):
    given = {"id": f"ev_{title}", "title": title, "start": start, "end": end, "created_at": AT, "updated_at": AT}
    return CalendarEvent(**{**given, **fields})


def order(wishes=None, offers=OFFERS):
    return [flight.flight_id for flight in ranked(flights_of(offers), wishes or Wishes(zone=BERLIN))]


def test_a_cheap_flight_wins_until_something_speaks_against_it():
    assert order() == ["cheap", "dear"]
    assert order(Wishes(zone=BERLIN, avoid=("xx",))) == ["dear", "cheap"]
    assert order(Wishes(zone=BERLIN, max_stops=0, earliest="07:00", airlines=("LH",))) == ["dear", "cheap"]
    assert order(Wishes(zone=BERLIN, max_stops=0, max_price=100)) == ["cheap", "dear"]


def test_what_is_in_the_calendar_counts_in_the_persons_timezone():
    standup = event("Standup", datetime(2026, 12, 1, 9, 30, tzinfo=BERLIN), datetime(2026, 12, 1, 10, tzinfo=BERLIN))
    best, other = ranked(flights_of(OFFERS), wishes_of(None, BERLIN, [standup], None))
    assert (best.flight_id, "Standup" in other.reasoning) == ("cheap", True)
    begins = datetime(2026, 12, 1, 11, tzinfo=BERLIN)
    purpose = event("Travel to Paris", begins, begins + timedelta(hours=2), kind="travel", source_event_id="ev_Talk")
    best, other = ranked(flights_of(OFFERS), wishes_of({}, BERLIN, [], purpose))
    assert (best.flight_id, best.rank, other.rank) == ("dear", 1, 2)
    assert "has begun" in other.reasoning
    assert "only 30 minutes" in best.reasoning


def test_an_offer_whose_name_can_stand_in_no_address_gets_one_that_can():
    offers = [{**OFFERS["flights"][0], "id": "offer/1?x=" + "y" * 200}]
    (flight,) = ranked(flights_of(offers), Wishes())
    assert (flight.offer_id, len(flight.flight_id)) == (offers[0]["id"], 16)
    assert flights_of(offers) == flights_of(offers)


def test_the_same_flights_are_ranked_the_same_in_any_order():
    both = OFFERS["flights"]
    assert ranked(flights_of(both), Wishes()) == ranked(flights_of(both[::-1]), Wishes())


@pytest.mark.parametrize(
    "offer",
    [
        {
            "price": {"total": "99.5", "currency": "USD"},
            "departure": {"at": "2026-12-01T08:00"},
            "arrival": {"at": "2026-12-01T09:00"},
        },
        {
            "totalPrice": 99.5,
            "departureTime": "2026-12-01T08:00Z",
            "arrivalTime": "2026-12-01T09:00Z",
            "carrier": {"name": "A"},
        },
        {"amount": 99.5, "departure": "2026-12-01T08:00", "arrival": "2026-12-01T09:00", "duration": "PT1H"},
    ],
)
def test_offers_are_read_as_servers_write_them(offer):
    (flight,) = flights_of({"result": json.dumps({"offers": [offer]})})
    assert flight.amount == 99.5
    assert flights.flights_of([offer, offer]) == flights_of([offer])


@pytest.mark.parametrize(
    "answer", [None, "nothing", [], {}, {"flights": "none"}, [{"price": "free"}], [1, None], {"a": {"b": 1}}]
)
def test_an_answer_without_flights_has_none(answer):
    assert flights_of(answer) == []


# --- which tool ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a__search_flights", "a__flight_search", "a__searchFlights", "a__find-flights", "a__list_flight"]
)
def test_a_tool_for_flights_is_known_by_its_name(name):
    tools = [Tool(name="find_flights"), Tool(name="b__book_flight", server="b"), Tool(name=name, server="a")]
    assert tooling.tool_for("flights", tools).name == name


def test_a_tool_that_is_named_is_taken_and_one_that_is_never_called_is_not():
    tools = [Tool(name="a__search_flights", server="a", policy="never"), Tool(name="b__seek", server="b")]
    assert tooling.tool_for("flights", tools, "b__seek").name == "b__seek"
    for named in (None, "b__other"):
        with pytest.raises(NonRetryable):
            tooling.tool_for("flights", tools, named)


# --- journeys --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("worker")
async def test_m079_journeys_of_the_calendar_are_prepared_once(ana, others):
    begins = datetime.now(UTC) + timedelta(days=9)
    others.events = [event("t1", begins, begins, kind="travel", destination="Rome", warm_only=True)]
    assert await ana.result(await ana.create("travel_detection")) == {"journeys": 1}
    (workflow_id,) = [one.id for one in (await ana.list(type="travel_prepare")).workflows]
    await ana.result(workflow_id)
    assert others.trips[workflow_id].travel_event_id == "ev_t1"
    assert await ana.result(await ana.create("travel_detection")) == {"journeys": 0}


def test_a_journey_that_moves_to_another_day_is_prepared_again_unless_it_is_booked():
    begins = datetime(2026, 12, 1, 8, tzinfo=UTC)
    travel = event("t1", begins, begins, kind="travel", destination="Rome")
    trip = Trip(
        id="w",
        workflow_id="w",
        travel_event_id="ev_t1",
        destination="Rome",
        departure_date="2026-12-01",
        created_at=AT,
        updated_at=AT,
    )
    assert new_journeys([travel], [trip], "UTC") == []
    moved = trip.model_copy(update={"departure_date": "2026-12-02"})
    assert [journey["params"]["departureDate"] for journey in new_journeys([travel], [moved], "UTC")] == ["2026-12-01"]
    assert new_journeys([travel], [moved.model_copy(update={"status": "booked"})], "UTC") == []
