"""The example of flights: always the same, honest about what it is, and a booking is made once for each key."""

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client, StdioServerParameters

from flights import timetable
from flights.bookings import Bookings, Refused
from flights.places import code_of, coded, place
from flights.server import KEY, NOTICE, Desk, server

NOW = datetime(2026, 11, 28, 15, 45, tzinfo=UTC)
DAY = date(2026, 11, 30)


def desk(file: Path | None = None) -> Desk:
    keys = iter(f"key-{number}" for number in range(1_000))
    return Desk(Bookings(file, lambda: next(keys)), "Berlin", lambda: NOW)


async def called(tool: str, arguments: dict, at: Desk | None = None, key: str | None = None):
    async with Client(server(at or desk())) as client:
        return await client.call_tool(tool, arguments, meta={KEY: key} if key else None)


def test_the_same_day_always_has_the_same_flights():
    found = timetable.flights("Berlin", "Paris", DAY)
    assert found == timetable.flights("berlin, Germany", "PARIS", DAY)
    assert [flight.flight_id for flight in found] == [
        "EX-BER-CDG-20261130-1", "PL-BER-CDG-20261130-0", "PP-BER-CDG-20261130-2", "SY-BER-CDG-20261130-3",
    ]  # fmt: skip
    assert found != timetable.flights("Berlin", "Paris", DAY + timedelta(days=1))


@given(st.sampled_from(("Berlin", "New York", "Tokyo", "Little Whinging", "São Paulo", "Владивосток")),
       st.sampled_from(("Paris", "Sydney", "Nowhere")),
       st.dates(date(2026, 1, 1), date(2030, 1, 1)))  # fmt: skip
def test_every_flight_is_a_possible_one_and_found_by_its_id(origin: str, destination: str, day: date):
    for flight in timetable.flights(origin, destination, day):
        assert flight.departure.date() == day
        assert timedelta(minutes=30) < flight.arrival - flight.departure < timedelta(hours=40)
        assert flight.amount > 0
        assert timetable.flight(flight.flight_id) == flight


@given(st.text(max_size=40))
def test_no_id_and_no_name_is_too_odd(text: str):
    assert timetable.flight(text) is None
    try:
        found = place(text)
    except ValueError:
        return
    assert coded(code_of(found)) == found


async def test_a_search_says_that_it_is_made_up():
    answer = (
        await called("search_flights", {"destination": "Paris", "departureDate": "2026-11-30", "passengers": 2})
    ).structured_content
    assert answer["notice"] == NOTICE
    assert answer["origin"] == "Berlin"
    assert answer["originAssumed"]
    first = answer["flights"][0]
    assert {"flightId", "airline", "departure", "arrival", "price", "stops"} <= first.keys()
    alone = (await called("search_flights", {"destination": "Paris", "departureDate": "2026-11-30"})).structured_content[
        "flights"
    ][0]
    assert first["price"]["amount"] == pytest.approx(2 * alone["price"]["amount"])


async def test_several_days_and_the_way_back_are_searched():
    asked = {
        "origin": "Oslo",
        "destination": "Rome",
        "departureDate": "2026-11-30",
        "departureDateTo": "2026-12-02",
        "returnDate": "2026-12-05",
    }
    answer = (await called("search_flights", asked)).structured_content
    assert {flight["departure"][:10] for flight in answer["flights"]} == {"2026-11-30", "2026-12-01", "2026-12-02"}
    assert {flight["origin"] for flight in answer["returnFlights"]} == {"Rome"}


@pytest.mark.parametrize(
    "asked",
    [
        {"destination": "Berlin", "departureDate": "2026-11-30"},
        {"destination": "Paris", "departureDate": "2026-11-20"},
        {"destination": "Paris", "departureDate": "2026-13-01"},
        {"destination": "Paris", "departureDate": "tomorrow"},
        {"destination": "123", "departureDate": "2026-11-30"},
        {"destination": "", "departureDate": "2026-11-30"},
        {"destination": "Paris", "departureDate": "2026-11-30", "departureDateTo": "2027-11-30"},
        {"destination": "Paris", "departureDate": "2026-11-30", "returnDate": "2026-11-29"},
        {"destination": "Paris", "departureDate": "2026-11-30", "passengers": 10},
        {"departureDate": "2026-11-30"},
    ],
)
async def test_what_is_no_journey_is_refused_in_words(asked: dict):
    answer = await called("search_flights", asked)
    assert answer.is_error
    assert answer.content[0].text


async def test_a_key_books_once_however_often_it_comes(tmp_path: Path):
    file = tmp_path / "bookings.jsonl"
    flight = {"flightId": timetable.flights("Berlin", "Paris", DAY)[0].flight_id, "passenger": "Ana"}
    at = desk(file)
    twice = [(await called("book_flight", flight, at, "k1")).structured_content["confirmation"] for _ in range(2)]
    again = (await called("book_flight", flight, desk(file), "k1")).structured_content["confirmation"]
    assert {*twice, again} == {twice[0]}
    assert len(at.bookings) == len(file.read_text().splitlines()) == 1
    assert (await called("book_flight", {**flight, "passenger": "Bob"}, at, "k1")).is_error
    assert (await called("book_flight", flight, at, "k2")).structured_content["confirmation"] != again
    assert (await called("flight_status", {"flightId": again}, at)).structured_content["flightId"] == flight["flightId"]


async def test_without_a_key_each_call_books():
    at = desk()
    flight = {"flightId": timetable.flights("Berlin", "Paris", DAY)[0].flight_id, "passenger": "Ana"}
    assert len({(await called("book_flight", flight, at)).structured_content["confirmation"] for _ in range(3)}) == 3


async def test_what_is_not_in_the_timetable_is_not_booked():
    assert (await called("book_flight", {"flightId": "EX-BER-CDG-20261130-9", "passenger": "Ana"})).is_error


def test_a_key_stands_for_one_booking():
    bookings = Bookings(None, lambda: "k")
    bookings.book("one", "Ana", "k")
    with pytest.raises(Refused):
        bookings.book("other", "Ana", "k")


def test_a_flight_takes_off_and_lands():
    flight = timetable.flights("Berlin", "Paris", DAY)[0]
    moments = (
        flight.departure - timedelta(days=1),
        flight.departure + timedelta(minutes=70),
        flight.arrival + timedelta(hours=2),
    )
    assert [timetable.status(flight, moment)["status"] for moment in moments] == ["scheduled", "in the air", "landed"]


async def test_it_speaks_over_stdio():
    async with Client(StdioServerParameters(command=sys.executable, args=["-m", "flights"])) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"search_flights", "book_flight", "flight_status"}
