"""Trips: flights that workflows have found, and what became of them."""

from collections.abc import Callable
from typing import Final

from memory import trip as rules
from memory.handlers.reading import Snapshot
from memory.handlers.repetition import change_once
from memory.records import trips
from memory.transaction import Transaction
from shared.contract.events import TravelDeleted, TravelUpdated
from shared.contract.memory import Done
from shared.contract.travel import ChooseFlight, DropTrip, GetTrip, KeepTrip, ListTrips, SettleTrip, Trips
from shared.contract.trip import Trip
from shared.errors import LimitReached, UnknownTrip

MOST: Final = 100
"""Trips that one list has."""


def keep_trip(tx: Transaction, question: KeepTrip) -> Trip:
    """Keeps the flights that were found, in place of those for the same journey."""
    return change_once(tx, "keep_trip", question, Trip, lambda: _keep(tx, question))


def _keep(tx: Transaction, question: KeepTrip) -> Trip:
    user = question.user
    old = trips.get(tx.connection, user, question.workflow_id)
    rivals = trips.for_event(tx.connection, user, question.travel_event_id) if question.travel_event_id else []
    rivals = [rival for rival in rivals if rival.id != question.workflow_id]
    taken = next((rival for rival in rivals if rival.status in rules.CHOSEN), None)
    if taken is not None:
        return taken
    new = rules.found(question, old, tx.at)
    if old is None and len(rivals) == 0:
        _refuse_more(tx, user)
    for rival in rivals:
        _drop(tx, user, rival)
    return _store(tx, user, old, new)


def _refuse_more(tx: Transaction, user: str) -> None:
    limit = tx.limits.trips
    if trips.count(tx.connection, user) >= limit:
        raise LimitReached(f"There are {limit} trips, as many as one may have.", limit=limit)


def _store(tx: Transaction, user: str, old: Trip | None, new: Trip) -> Trip:
    if new is not old:
        trips.keep(tx.connection, user, new, tx.version(user))
        tx.tell_state(user, "trips", TravelUpdated(**tx.stamp(user), trip=new))
    return new


def _drop(tx: Transaction, user: str, trip: Trip) -> None:
    trips.drop(tx.connection, user, trip.id)
    tx.remove(user, "trips", trip.id)
    tx.tell_state(user, "trips", TravelDeleted(**tx.stamp(user), trip=trip))


def choose_flight(tx: Transaction, question: ChooseFlight) -> Trip:
    """One of its flights shall be booked."""
    return change_once(tx, "choose_flight", question, Trip, lambda: _change(tx, question, rules.chosen))


def settle_trip(tx: Transaction, question: SettleTrip) -> Trip:
    """How the booking has ended."""
    return change_once(tx, "settle_trip", question, Trip, lambda: _change(tx, question, rules.settled))


def _change(tx: Transaction, question: ChooseFlight | SettleTrip, rule: Callable[..., Trip]) -> Trip:
    old = _known(trips.get(tx.connection, question.user, question.workflow_id))
    return _store(tx, question.user, old, rule(question, old, tx.at))


def drop_trip(tx: Transaction, question: DropTrip) -> Done:
    """There shall be none, unless it was chosen from."""
    return change_once(tx, "drop_trip", question, Done, lambda: _forget(tx, question))


def _forget(tx: Transaction, question: DropTrip) -> Done:
    old = trips.get(tx.connection, question.user, question.workflow_id)
    if old is not None and old.status not in rules.CHOSEN:
        _drop(tx, question.user, old)
    return Done()


def forget_journey(tx: Transaction, user: str, event_id: str) -> None:
    """The travel event is gone; what was chosen for it stays."""
    for trip in trips.for_event(tx.connection, user, event_id):
        if trip.status not in rules.CHOSEN:
            _drop(tx, user, trip)


def forget_past(tx: Transaction, user: str, trip_id: str) -> None:
    """A trip that is over goes, whatever became of it."""
    old = trips.get(tx.connection, user, trip_id)
    if old is not None:
        _drop(tx, user, old)


def get_trip(view: Snapshot, question: GetTrip) -> Trip:
    """One trip. Raises UnknownTrip: what is others' does not exist."""
    return _known(trips.get(view.connection, question.user, question.workflow_id))


def list_trips(view: Snapshot, question: ListTrips) -> Trips:
    """Trips from a day on, the next one first."""
    since = "" if question.since is None else rules.day(question.since)
    found = trips.since_day(view.connection, question.user, since, MOST)
    kept: list[Trip] = []
    room = view.limits.page_bytes
    for one in found:
        room -= len(one.encode())
        if room < 0:
            break
        kept.append(one)
    return Trips(trips=kept)


def _known(trip: Trip | None) -> Trip:
    if trip is None:
        raise UnknownTrip
    return trip
