"""Bookings: each key books once, however often it comes, also after the server was started anew."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

MOST: Final = 10_000
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class Booking:
    """A seat in somebody's name."""

    confirmation: str
    flight_id: str
    passenger: str
    key: str


class Refused(Exception):
    """This can't be booked."""


class Bookings:
    """All bookings, kept as JSON lines in a file where one is given."""

    def __init__(self, file: Path | None, new_key: Callable[[], str]) -> None:
        self._file, self._new_key = file, new_key
        self._by_key: dict[str, Booking] = {}
        if file is not None and file.exists():
            self._by_key = {
                booking.key: booking for booking in map(_read, file.read_text(encoding="utf-8").splitlines()) if booking
            }

    def book(self, flight_id: str, passenger: str, key: str | None) -> Booking:
        """The booking of this key: a new one, or the one that there is. Raises Refused when it was for something else."""
        key = key or self._new_key()
        known = self._by_key.get(key)
        if known is not None:
            if (known.flight_id, known.passenger) != (flight_id, passenger):
                raise Refused("This key was used for another booking.")
            return known
        if len(self._by_key) >= MOST:
            raise Refused("The example has no room for more bookings.")
        booking = Booking(_confirmation(key), flight_id, passenger, key)
        self._keep(booking)
        return booking

    def __len__(self) -> int:
        return len(self._by_key)

    def of(self, confirmation: str) -> Booking | None:
        """The booking with this confirmation."""
        return next((each for each in self._by_key.values() if each.confirmation == confirmation), None)

    def _keep(self, booking: Booking) -> None:
        """On disk first: what was promised is there after a crash."""
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(booking)) + "\n")
        self._by_key[booking.key] = booking


def _read(line: str) -> Booking | None:
    try:
        return Booking(**json.loads(line))
    except (ValueError, TypeError):  # the last line of a crash
        return None


def _confirmation(key: str) -> str:
    chance = sha256(key.encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in chance[:6])
