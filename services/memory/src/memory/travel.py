"""Whether a calendar entry means travelling, and where to. Pure, in English, and rather silent than wrong.

The place of an entry is, in this order:

1. its location, unless that is no place to travel to: a link or another way to meet online, a room, an office, a shop; of an
   address it is the town (`Palais des Congrès, 2 Place Maillot, 75017 Paris, France` is Paris). An entry with a location has
   no other place.
2. the words of the title, then of the description:
   * `flight to X`; likewise with `fly`, `train`, `trip`, `travel`, `journey`, `drive`, `bus`, `ferry`, `cruise`, `relocation`
   * `conference … in X`; likewise with `summit`, `workshop`, `offsite`, `congress`, `fair`, `wedding`, `holiday`, `retreat`, …

   X is up to four words in capitals (`New York`, `Rio de Janeiro`); days, months, languages and rooms are none.

It is travel when that is not where the person lives: preference `home`, a town (`Berlin`, `Berlin, Germany`). Of somebody whose
home is not known every such place is another one.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

_ONLINE = re.compile(
    r"://|\bwww\.|\.(com|us|io|net)\b|\b(zoom|teams|meet|google|webex|skype|slack|discord|facetime|whatsapp|jitsi|online|virtual|"
    r"remote|remotely|video|videocall|web|webinar|phone|telephone|call|dial|livestream|stream)\b",
    re.IGNORECASE,
)
_NO_TOWN = re.compile(
    r"\b(home|office|offices|work|workplace|desk|hq|headquarters|room|rooms|floor|building|bldg|hall|lobby|suite|studio|lab|kitchen|"
    r"canteen|cafeteria|campus|auditorium|theater|theatre|cinema|restaurant|café|cafe|coffee|bar|pub|bistro|pizzeria|bakery|hotel|"
    r"hostel|clinic|dentist|doctor|hospital|pharmacy|gym|pool|stadium|school|kindergarten|university|college|library|church|park|"
    r"garden|store|shop|mall|supermarket|market|bank|salon|station|airport|terminal|gate|platform|garage|center|centre|museum|zoo|"
    r"street|st|avenue|ave|road|rd|lane|boulevard|blvd|square|place|plaza|drive|tbd|tba|tbc|here|there|everywhere|anywhere|"
    r"somewhere|none|unknown|n/a)\b|straße|strasse|\bplatz\b|\brue\b",
    re.IGNORECASE,
)

_JOINING = (
    "de",
    "del",
    "di",
    "da",
    "do",
    "dos",
    "la",
    "las",
    "le",
    "les",
    "los",
    "of",
    "el",
    "am",
    "an",
    "der",
    "den",
    "upon",
    "sur",
)
_WORD = r"[^\W\d_][\w'’.-]*"
_PLACE = rf"({_WORD}(?:[ ](?:(?:{'|'.join(_JOINING)})[ ]){{0,2}}{_WORD}){{0,3}})"
_GOING = re.compile(
    r"\b(?:flights?|fly|flying|trains?|trip|roadtrip|travel|travels|travelling|traveling|journey|drive|driving|bus|ferry|cruise|"
    rf"relocation|moving|going|(?:business|work|day|road) trip)\b(?: back| home| over)? to (?:the )?{_PLACE}",
    re.IGNORECASE,
)
_GATHERING = re.compile(
    r"\b(?:conference|conf|summit|workshop|offsite|off-site|onsite|on-site|meetup|congress|convention|fair|expo|exhibition|festival|"
    r"symposium|retreat|kickoff|kick-off|training|wedding|holidays?|vacation|weekend|hackathon|tournament)\b"
    rf"[^.;:!?\n]{{0,60}}?\bin {_PLACE}",
    re.IGNORECASE,
)

READ = 2_000
"""Characters of a description that are looked at."""


def destination(title: str, description: str | None, location: str | None, home: object = None) -> str | None:
    """The place that this entry leads to, if it is another one than home. `home` is a preference, and may be anything."""
    at_home = _towns(home) if isinstance(home, str) else frozenset[str]()
    if location is not None and location.strip():
        found = _town(location)
    else:
        found = next(_spoken_of(title), None) or next(_spoken_of((description or "")[:READ]), None)
    if found is None or _folded(found) in at_home or (location and at_home & _towns(location)):
        return None
    return found


@cache
def _known(kind: str) -> frozenset[str]:
    return frozenset(tomllib.loads(files("memory").joinpath("places.toml").read_text(encoding="utf-8"))[kind])


def _town(location: str) -> str | None:
    """The town of an address."""
    if _ONLINE.search(location):
        return None
    parts = [_without_code(part) for part in re.split(r"[,\n]", location)]
    towns = [part for part in parts if part and not _NO_TOWN.search(part) and not re.search(r"\d", part)]
    if not towns or not towns[-1][0].isupper():
        return None
    if len(towns) > 1 and _is_region(towns[-1]):
        return towns[-2]
    return towns[-1]


def _without_code(part: str) -> str:
    """`75017 Paris`, `London SW1A 1AA`, `CA 94103`: the name without the number."""
    return " ".join(word for word in part.split() if not re.search(r"\d", word)) if _NO_TOWN.search(part) is None else ""


def _is_region(part: str) -> bool:
    return _folded(part) in _known("countries") or (len(part) == 2 and part.isupper())


def _towns(place: str) -> frozenset[str]:
    """How a town may be named by this place: its parts, but not the country."""
    parts = [_folded(_without_code(part)) for part in place.split(",")]
    return frozenset(part for part in parts if part and not (len(parts) > 1 and part in _known("countries")))


def _spoken_of(text: str) -> Iterator[str]:
    for expression in (_GOING, _GATHERING):
        for match in expression.finditer(text):
            if place := _name(match[1]):
                yield place


def _name(words: str) -> str | None:
    """The words in capitals at the beginning, if there are any and they name a place."""
    kept: list[str] = []
    for word in words.split():
        bare = word.rstrip(".'’-")
        if bare.casefold() in _known("no_place") or not (word[0].isupper() or (kept and word in _JOINING)):
            break
        kept.append(word)
        if word.endswith(".") and len(bare) > 3:  # a sentence ends; St. Louis goes on
            break
    while kept and not kept[-1][0].isupper():
        kept.pop()
    name = " ".join(kept).rstrip(".'’-")
    return None if not name or _NO_TOWN.search(name) or _ONLINE.search(name) else name


def _folded(place: str) -> str:
    """Without accents and case, so that Zürich is Zurich."""
    plain = unicodedata.normalize("NFKD", place)
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold().strip()
