"""Trips: found, chosen from, booked; told on the feed, part of the state, gone with their journey."""

import pytest

from shared.contract.knowledge import TIDY_UP, TidyUp
from shared.contract.state import (
    CHANGE_PREFERENCES,
    DELETE_EVENT,
    GET_STATE,
    KEEP_EVENT,
    ChangePreferences,
    DeleteEvent,
    GetState,
    KeepEvent,
)
from shared.contract.travel import (
    CHOOSE_FLIGHT,
    DROP_TRIP,
    GET_TRIP,
    KEEP_TRIP,
    LIST_TRIPS,
    SETTLE_TRIP,
    ChooseFlight,
    DropTrip,
    GetTrip,
    KeepTrip,
    ListTrips,
    SettleTrip,
)
from shared.contract.trip import Price, RankedFlight
from shared.contract.workflow import Arrange
from shared.errors import FlightChosen, IdempotencyMismatch, Invalid, LimitReached, TooLarge, UnknownFlight, UnknownTrip


def flight(flight_id, rank=1, **more):
    fields = {"airline": "LH", "departure": "2026-12-01T08:00", "arrival": "2026-12-01T10:00", "reasoning": "cheap"}
    return RankedFlight(
        rank=rank, flight_id=flight_id, price=Price(amount=100.5, currency="EUR"), score=80, **{**fields, **more}
    )


async def keep(desk, workflow_id="w1", user="ana", **more):
    fields = {"destination": "Paris", "departure_date": "2026-12-01", "ranked_flights": [flight("f1"), flight("f2", 2)]}
    return await desk.ask(KEEP_TRIP, KeepTrip(user=user, workflow_id=workflow_id, **{**fields, **more}))


async def choose(desk, flight_id="f1", booking="b1", user="ana", **more):
    question = ChooseFlight(user=user, workflow_id="w1", flight_id=flight_id, booking_workflow_id=booking, **more)
    return await desk.ask(CHOOSE_FLIGHT, question)


async def listed(desk, user="ana", since=None):
    return [trip.id for trip in (await desk.ask(LIST_TRIPS, ListTrips(user=user, since=since))).trips]


async def test_m083_a_trip_is_kept_told_and_part_of_the_state(desk):
    trip = await keep(desk)
    state = await desk.ask(GET_STATE, GetState(user="ana"))
    assert state.trips == [trip]
    assert await desk.ask(GET_TRIP, GetTrip(user="ana", workflow_id="w1")) == trip
    await desk.until_sent()
    told = [event.trip for event in desk.post.events() if event.type_name == "travel.updated"]
    assert told == [trip]


async def test_the_same_flights_again_change_nothing(desk):
    first = await keep(desk)
    before = (await desk.ask(GET_STATE, GetState(user="ana"))).version
    assert await keep(desk) == first
    assert (await desk.ask(GET_STATE, GetState(user="ana"))).version == before


async def test_trips_are_listed_by_their_day_and_others_are_not_seen(desk):
    for number, day in enumerate(("2026-12-24", "2026-12-01", "2026-11-01")):
        await keep(desk, f"w{number}", departure_date=day)
    await keep(desk, "w1", "bob", destination="Rome")
    assert await listed(desk, since="2026-12-01") == ["w1", "w0"]
    assert await listed(desk) == ["w2", "w1", "w0"]
    assert await listed(desk, "eve") == []
    with pytest.raises(UnknownTrip):
        await desk.ask(GET_TRIP, GetTrip(user="eve", workflow_id="w1"))
    assert (await desk.ask(GET_TRIP, GetTrip(user="bob", workflow_id="w1"))).destination == "Rome"


async def test_one_journey_has_one_trip_the_newest(desk):
    await keep(desk, "w1", travel_event_id="ev_1")
    before = (await desk.ask(GET_STATE, GetState(user="ana"))).version
    await keep(desk, "w2", travel_event_id="ev_1")
    assert await listed(desk) == ["w2"]
    assert (await desk.ask(GET_STATE, GetState(user="ana", since=str(before)))).removed.trips == ["w1"]


async def test_a_flight_is_chosen_once(desk):
    await keep(desk)
    with pytest.raises(UnknownFlight):
        await choose(desk, "f9")
    trip = await choose(desk, operation_id="o1")
    assert (trip.status, trip.selected_flight_id, trip.booking_workflow_id) == ("selected", "f1", "b1")
    assert await choose(desk, operation_id="o1") == trip
    assert await choose(desk) == trip
    with pytest.raises(FlightChosen):
        await choose(desk, "f2", "b2")
    with pytest.raises(IdempotencyMismatch):
        await choose(desk, "f2", "b2", operation_id="o1")


async def test_what_was_chosen_from_is_not_replaced_or_dropped(desk):
    await keep(desk, travel_event_id="ev_1")
    trip = await choose(desk)
    assert await keep(desk, travel_event_id="ev_1", ranked_flights=[]) == trip
    assert await keep(desk, "w2", travel_event_id="ev_1") == trip
    await desk.ask(DROP_TRIP, DropTrip(user="ana", workflow_id="w1"))
    assert await listed(desk) == ["w1"]


async def test_a_booking_settles_its_own_trip(desk):
    await keep(desk)
    await choose(desk)
    with pytest.raises(FlightChosen):
        await desk.ask(SETTLE_TRIP, SettleTrip(user="ana", workflow_id="w1", booking_workflow_id="b2", status="booked"))
    question = SettleTrip(user="ana", workflow_id="w1", booking_workflow_id="b1", status="booked", confirmation="ABC123")
    booked = await desk.ask(SETTLE_TRIP, question)
    assert (booked.status, booked.confirmation) == ("booked", "ABC123")
    assert await desk.ask(SETTLE_TRIP, question) == booked
    with pytest.raises(FlightChosen):
        await choose(desk, "f2", "b2")


async def test_after_a_booking_that_came_to_nothing_one_chooses_again(desk):
    await keep(desk)
    await choose(desk)
    question = SettleTrip(user="ana", workflow_id="w1", booking_workflow_id="b1", status="suggested", problem="not approved")
    offered = await desk.ask(SETTLE_TRIP, question)
    assert (offered.status, offered.selected_flight_id, offered.problem) == ("suggested", None, "not approved")
    assert (await choose(desk, "f2", "b2")).selected_flight_id == "f2"


@pytest.mark.parametrize("day", ["", "tomorrow", "2026-13-01", "2026-12-01T08:00:00Z", "20261201"])
async def test_a_trip_begins_on_a_day(desk, day):
    with pytest.raises(Invalid):
        await keep(desk, departure_date=day)


async def test_trips_have_a_size_and_a_number(new_desk):
    async with new_desk(trips=1) as desk:
        with pytest.raises(TooLarge):
            await keep(desk, ranked_flights=[flight(f"f{n}", n, reasoning="x" * 1000) for n in range(1, 30)])
        await keep(desk, travel_event_id="ev_1")
        with pytest.raises(LimitReached):
            await keep(desk, "w2")
        await keep(desk, "w2", travel_event_id="ev_1")


async def test_a_trip_goes_with_its_journey_unless_it_was_chosen_from(desk):
    at = desk.clock.now()
    gone = []
    for number, place in enumerate(("Paris", "Rome")):
        question = KeepEvent(user="ana", title=f"Conference in {place}", start=at, end=at)
        kept = await desk.ask(KEEP_EVENT, question)
        await keep(desk, f"w{number}", travel_event_id=kept.travel_event.id)
        gone.append(DeleteEvent(user="ana", event_id=kept.event.id))
    await choose(desk)
    for question in gone:
        await desk.ask(DELETE_EVENT, question)
    assert await listed(desk) == ["w1"]


async def test_m031_past_trips_go_and_it_is_told(new_desk):
    async with new_desk(trip_days=30, prune_minutes=0.001) as desk:
        today = desk.clock.now().date()
        await keep(desk, "w1", departure_date=today.isoformat())
        desk.clock.pass_by(86_400 * 32)
        await keep(desk, "w2", departure_date=desk.clock.now().date().isoformat())
        await desk.sweep()
        assert await listed(desk) == ["w2"]
        await desk.until_sent()
        assert [event.trip.id for event in desk.post.events() if event.type_name == "travel.deleted"] == ["w1"]


# --- what schedules depend on ----------------------------------------------------------------------------------------


async def test_m078_schedules_are_looked_at_when_a_preference_changes_that_they_depend_on(desk):
    async def change(**preferences):
        await desk.ask(CHANGE_PREFERENCES, ChangePreferences(user="ana", preferences=preferences))
        await desk.until_sent()
        return [Arrange.decode(data) for subject, data in orders(desk) if subject == "job.arrange.ana"]

    assert await change(theme="dark") == []
    assert await change(dailyPlan=True, planAt="06:30") == [Arrange(user="ana")]
    assert len(await change(dailyPlan=True)) == 1
    assert len(await change(timezone="Europe/Berlin")) == 2


def orders(desk):
    return [(message.subject, message.data) for message in desk.post.stored]


@pytest.mark.parametrize(
    "preferences",
    [
        {"dailyPlan": "yes"},
        {"planAt": "7"},
        {"planAt": "24:00"},
        {"calendarSync": 1},
        {"groupSummary": None, "planAt": True},
        {"travel": []},
        {"travel": {"maxPrice": "cheap"}},
        {"travel": {"seat": "window"}},
        {"travel": {"airlines": [""]}},
    ],
)
async def test_preferences_that_jobs_read_are_of_their_form(desk, preferences):
    with pytest.raises(Invalid):
        await desk.ask(CHANGE_PREFERENCES, ChangePreferences(user="ana", preferences=preferences))


# --- tidying up ------------------------------------------------------------------------------------------------------


async def test_m079_tidying_up_packs_what_is_old_and_orders_summaries(new_desk):
    async with new_desk(hot_messages=4, prompt_tokens=1024) as desk:
        accepted = await desk.send("word " * 200)
        await desk.answer(accepted.generation_id, "answer " * 100)
        for _ in range(12):
            accepted = await desk.send("word " * 200, conversation_id=accepted.conversation_id)
            await desk.answer(accepted.generation_id, "answer " * 100)
        await desk.store.write(lambda c: c.exec_driver_sql("UPDATE conversations SET summary_ordered = NULL"))
        tidied = await desk.ask(TIDY_UP, TidyUp(user="ana"))
        assert (tidied.packed, tidied.summaries) == (1, 1)
        again = await desk.ask(TIDY_UP, TidyUp(user="ana"))
        assert (again.packed, again.summaries) == (0, 0)
        packed = await desk.rows("SELECT count(*) FROM messages WHERE packed IS NOT NULL")
        assert packed[0][0] > 0
        assert (await desk.ask(TIDY_UP, TidyUp(user="bob"))).packed == 0
