"""Towns with airports: where they are, and what time it is there. Others are made up as they are asked for."""

from dataclasses import dataclass
from hashlib import sha256
from math import asin, cos, radians, sin, sqrt
from typing import Final
from unicodedata import combining, normalize


@dataclass(frozen=True, slots=True)
class Place:
    """A town and its airport."""

    name: str
    code: str
    latitude: float
    longitude: float
    zone: str


_TOWNS: Final = (
    Place("Amsterdam", "AMS", 52.3, 4.8, "Europe/Amsterdam"),
    Place("Athens", "ATH", 37.9, 23.9, "Europe/Athens"),
    Place("Bangkok", "BKK", 13.7, 100.7, "Asia/Bangkok"),
    Place("Barcelona", "BCN", 41.3, 2.1, "Europe/Madrid"),
    Place("Berlin", "BER", 52.4, 13.5, "Europe/Berlin"),
    Place("Brussels", "BRU", 50.9, 4.5, "Europe/Brussels"),
    Place("Budapest", "BUD", 47.4, 19.3, "Europe/Budapest"),
    Place("Buenos Aires", "EZE", -34.8, -58.5, "America/Argentina/Buenos_Aires"),
    Place("Cairo", "CAI", 30.1, 31.4, "Africa/Cairo"),
    Place("Cape Town", "CPT", -34.0, 18.6, "Africa/Johannesburg"),
    Place("Chicago", "ORD", 42.0, -87.9, "America/Chicago"),
    Place("Copenhagen", "CPH", 55.6, 12.7, "Europe/Copenhagen"),
    Place("Delhi", "DEL", 28.6, 77.1, "Asia/Kolkata"),
    Place("Dubai", "DXB", 25.3, 55.4, "Asia/Dubai"),
    Place("Dublin", "DUB", 53.4, -6.3, "Europe/Dublin"),
    Place("Frankfurt", "FRA", 50.0, 8.6, "Europe/Berlin"),
    Place("Geneva", "GVA", 46.2, 6.1, "Europe/Zurich"),
    Place("Hamburg", "HAM", 53.6, 10.0, "Europe/Berlin"),
    Place("Helsinki", "HEL", 60.3, 25.0, "Europe/Helsinki"),
    Place("Hong Kong", "HKG", 22.3, 113.9, "Asia/Hong_Kong"),
    Place("Istanbul", "IST", 41.3, 28.7, "Europe/Istanbul"),
    Place("Lisbon", "LIS", 38.8, -9.1, "Europe/Lisbon"),
    Place("London", "LHR", 51.5, -0.5, "Europe/London"),
    Place("Los Angeles", "LAX", 33.9, -118.4, "America/Los_Angeles"),
    Place("Madrid", "MAD", 40.5, -3.6, "Europe/Madrid"),
    Place("Mexico City", "MEX", 19.4, -99.1, "America/Mexico_City"),
    Place("Milan", "MXP", 45.6, 8.7, "Europe/Rome"),
    Place("Montreal", "YUL", 45.5, -73.7, "America/Toronto"),
    Place("Munich", "MUC", 48.4, 11.8, "Europe/Berlin"),
    Place("Nairobi", "NBO", -1.3, 36.9, "Africa/Nairobi"),
    Place("New York", "JFK", 40.6, -73.8, "America/New_York"),
    Place("Oslo", "OSL", 60.2, 11.1, "Europe/Oslo"),
    Place("Paris", "CDG", 49.0, 2.5, "Europe/Paris"),
    Place("Prague", "PRG", 50.1, 14.3, "Europe/Prague"),
    Place("Rome", "FCO", 41.8, 12.2, "Europe/Rome"),
    Place("San Francisco", "SFO", 37.6, -122.4, "America/Los_Angeles"),
    Place("Sao Paulo", "GRU", -23.4, -46.5, "America/Sao_Paulo"),
    Place("Seoul", "ICN", 37.5, 126.4, "Asia/Seoul"),
    Place("Singapore", "SIN", 1.4, 104.0, "Asia/Singapore"),
    Place("Stockholm", "ARN", 59.7, 17.9, "Europe/Stockholm"),
    Place("Sydney", "SYD", -33.9, 151.2, "Australia/Sydney"),
    Place("Tokyo", "HND", 35.6, 139.8, "Asia/Tokyo"),
    Place("Toronto", "YYZ", 43.7, -79.6, "America/Toronto"),
    Place("Vienna", "VIE", 48.1, 16.6, "Europe/Vienna"),
    Place("Warsaw", "WAW", 52.2, 21.0, "Europe/Warsaw"),
    Place("Zurich", "ZRH", 47.5, 8.5, "Europe/Zurich"),
)
_OTHER_NAMES: Final = {
    "wien": "VIE",
    "rom": "FCO",
    "roma": "FCO",
    "munchen": "MUC",
    "muenchen": "MUC",
    "mailand": "MXP",
    "lissabon": "LIS",
    "prag": "PRG",
    "athen": "ATH",
    "warschau": "WAW",
    "kopenhagen": "CPH",
    "brussel": "BRU",
    "bruxelles": "BRU",
    "genf": "GVA",
    "geneve": "GVA",
    "kairo": "CAI",
    "tokio": "HND",
    "nyc": "JFK",
    "new york city": "JFK",
    "heathrow": "LHR",
    "cph": "CPH",
    "par": "CDG",
    "lon": "LHR",
    "tyo": "HND",
}
_BY_CODE: Final = {town.code: town for town in _TOWNS}
_BY_NAME: Final = {town.name.lower(): town for town in _TOWNS}
LONGEST: Final = 80
"""Characters of a name."""


def place(name: str) -> Place:
    """The town of this name or code; country and district behind a comma don't matter. One that is not known is made up, always
    the same. Raises ValueError for what can't be a name."""
    plain = _plain(name.split(",", maxsplit=1)[0])
    if not plain or len(name) > LONGEST or not any(letter.isalpha() for letter in plain):
        raise ValueError(f"{name[:LONGEST]!r} is no name of a town or an airport")
    code = plain.upper() if plain.upper() in _BY_CODE else _OTHER_NAMES.get(plain)
    if code is not None:
        return _BY_CODE[code]
    return _BY_NAME.get(plain) or _made_up(_plain(plain.title()))


def coded(code: str) -> Place:
    """The town of an airport's code, as it stands in the number of a flight: three letters, or the name of one made up."""
    if code.startswith("0x"):
        code = bytes.fromhex(code[2:]).decode()
    return _BY_CODE.get(code) or place(code.replace("_", " "))


def code_of(town: Place) -> str:
    """What leads back to it by `coded`."""
    if _BY_CODE.get(town.code) == town:
        return town.code
    plain = _plain(town.name)
    return plain.replace(" ", "_") if plain.isascii() else f"0x{plain.encode().hex()}"


def kilometres(one: Place, other: Place) -> float:
    """As the crow flies."""
    north = radians(other.latitude - one.latitude)
    east = radians(other.longitude - one.longitude)
    chord = sin(north / 2) ** 2 + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(east / 2) ** 2
    return 2 * 6_371 * asin(sqrt(min(1.0, chord)))


def _plain(name: str) -> str:
    letters = normalize("NFKD", normalize("NFKD", name.casefold()).casefold())
    kept = "".join(letter for letter in letters if not combining(letter) and (letter.isalnum() or letter == " "))
    return " ".join(kept.split())


def _made_up(plain: str) -> Place:
    chance = sha256(plain.encode()).digest()
    letters = "".join(letter for letter in plain.upper() if letter.isascii() and letter.isalpha())
    latitude, longitude = chance[0] / 255 * 100 - 40, chance[1] / 255 * 300 - 150
    return Place(plain.title(), (letters + "XXX")[:3], round(latitude, 1), round(longitude, 1), "UTC")
