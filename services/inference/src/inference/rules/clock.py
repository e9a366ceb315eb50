"""Times of a day as they are said: `at 9`, `9:30 pm`, `half past nine`, `in the morning`, `um 15 Uhr`. Pure."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from inference.rules.words import GERMAN_DAYS, either

Half = Literal["am", "pm", "given", "open"]
"""Which half of the day: said, clear from the number (`15:00`, `09:00`), or open."""

Hint = Literal["", "early", "late"]


@dataclass(frozen=True, slots=True)
class Clock:
    """A time as it was said. `start` and `end` are its place in the text."""

    hour: int
    minute: int
    half: Half
    start: int
    end: int
    until: tuple[int, int, Half] | None = None
    """The other end of `from 9 to 10:30`: hour, minute, half."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the day: its name, and the hour that it means when nothing else is said."""

    name: str
    hour: int
    start: int
    end: int


PARTS: Final = {
    "morning": 9,
    "noon": 12,
    "midday": 12,
    "lunchtime": 12,
    "afternoon": 15,
    "evening": 19,
    "night": 21,
    "midnight": 24,
    "früh": 9,
    "vormittag": 10,
    "vormittags": 10,
    "mittag": 12,
    "mittags": 12,
    "nachmittag": 15,
    "nachmittags": 15,
    "abend": 19,
    "abends": 19,
    "nacht": 21,
    "nachts": 21,
    "mitternacht": 24,
    "morgens": 9,
}
EARLY: Final = frozenset({"morning", "früh", "vormittag", "vormittags", "morgens"})
LATE: Final = frozenset({"afternoon", "evening", "night", "nachmittag", "nachmittags", "abend", "abends", "nacht", "nachts"})

_B, _E = r"(?<![^ ])", r"(?![^ ])"
_AT = r"(?:(?:from|between|starting|beginning|at|by|around|about|before|until|till|um|gegen|ab|bis|von|zwischen) ){0,2}"
_NAMED = r"(?:at |by |around |from |um |gegen |ab |bis |von )"
_HALF = rf"(?: ?(?P<half>am|pm)(?![^ ])(?! (?:\d|{either([*GERMAN_DAYS, 'abend', 'morgen', 'nachmittag'])})))"
"""`um 3 am Montag` is no time before noon."""
_NOT_A_TIME = (
    r"(?! ?(?:%|percent|prozent|euros?|dollars?|pounds?|usd|eur|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?"
    r"|years?|times|people|persons|stunden?|minuten?|tagen?|wochen?|monaten?|jahren?|kg|km|of)(?![^ ]))"
)
_PART = re.compile(
    _B
    + r"(?:in the |during the |this |at |by |around |every |am |in der |gegen )?"
    + rf"(?:early |late )?(?P<part>{either(list(PARTS))})"
    + _E
)
_SPOKEN = re.compile(
    _B + rf"{_AT}(?:(?P<half_past>half(?: past)?|halb)|(?P<quarter>quarter|viertel|5|10|20|25)(?: minutes?| minuten)? "
    rf"(?P<side>past|after|nach|to|vor|before)) (?P<hour>\d{{1,2}})(?: oclock| uhr)?{_HALF}?" + _E
)
_EXACT = (
    re.compile(_B + rf"{_AT}(?P<hour>\d{{1,2}})(?:[:.](?P<minute>\d\d))?{_HALF}"),
    re.compile(_B + rf"{_AT}(?P<hour>\d{{1,2}}) (?P<minute>[0-5]\d){_HALF}"),
    re.compile(_B + rf"{_AT}(?P<hour>\d{{1,2}}):(?P<minute>[0-5]\d)(?::[0-5]\d)?(?: uhr)?" + _E),
    re.compile(_B + rf"{_AT}(?P<hour>\d{{1,2}})(?:\.(?P<point>[0-5]\d))? (?:oclock|uhr)(?: (?P<minute>[0-5]\d))?(?: in)?" + _E),
    re.compile(_B + rf"{_NAMED}(?P<hour>\d{{1,2}})[. ](?P<minute>[0-5]\d)" + _E + _NOT_A_TIME),
    re.compile(_B + rf"{_NAMED}(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)" + _E + _NOT_A_TIME),
    re.compile(_B + rf"{_NAMED}(?P<hour>\d{{1,2}})" + _E + _NOT_A_TIME),
)
_BARE = re.compile(r"(?P<hour>\d{1,2})(?:[: ](?P<minute>[0-5]\d))?" + _E + _NOT_A_TIME)
_UNTIL = re.compile(
    rf" (?:to|until|till|and|bis|und|-|–) (?P<hour>\d{{1,2}})(?:[:.](?P<minute>[0-5]\d))?(?: oclock| uhr)?{_HALF}?"
    + _E
    + _NOT_A_TIME
)
_OPENING = re.compile(r"(?:from|between|von|zwischen) ")
_FROM = re.compile(_B + r"(?:from |between |von |zwischen )?(?P<hour>\d{1,2})(?:[:.](?P<minute>[0-5]\d))?" + _HALF + r"?(?= )")


def clock_in(text: str, after_days: int = 0) -> Clock | None:
    """The time of day that is said here, if one is; with its end where it has one. At `after_days` a day has been said: from
    there `11 to 1` is understood without more words."""
    if found := _range(text, after_days):
        return found
    if match := _SPOKEN.search(text):
        return _spoken(match)
    for pattern in _EXACT:
        for match in pattern.finditer(text):
            if found := _clock(match):
                return found
    return None


def bare_clock(text: str, start: int) -> Clock | None:
    """A naked number that begins here and may be an hour, as in `tomorrow 9`."""
    match = _BARE.match(text, start)
    return _clock(match) if match else None


def part_in(text: str) -> Part | None:
    """The part of the day that is said here."""
    match = _PART.search(text)
    return Part(match["part"], PARTS[match["part"]], *match.span()) if match else None


def _range(text: str, after_days: int) -> Clock | None:
    for match in _FROM.finditer(text):
        if not (last := _UNTIL.match(text, match.end())):
            continue
        first, until = _clock(match), _clock(last)
        said = _OPENING.match(match[0]) or match["minute"] or last["minute"] or match["half"] or last["half"]
        if first and until and (said or text[match.end() + 1] in "-–" or match.start() == after_days > 0):
            half = until.half if first.half == "open" and until.half in ("am", "pm") and first.hour < until.hour else first.half
            ends = (until.hour, until.minute, until.half)
            return Clock(first.hour, first.minute, half, match.start(), last.end(), ends)
    return None


def _spoken(match: re.Match[str]) -> Clock | None:
    hour, half = int(match["hour"]), _half(match["half"])
    if not 0 < hour <= 12:
        return None
    if match["half_past"]:
        hour, minute = (hour - 1, 30) if match["half_past"] == "halb" else (hour, 30)
    else:
        off = 15 if match["quarter"] in {"quarter", "viertel"} else int(match["quarter"])
        hour, minute = (hour, off) if match["side"] in {"past", "after", "nach"} else (hour - 1, 60 - off)
    return Clock(hour or 12, minute, half, *match.span())


def _clock(match: re.Match[str]) -> Clock | None:
    groups = match.groupdict()
    hour, minute, half = int(groups["hour"]), int(groups.get("minute") or groups.get("point") or 0), groups.get("half")
    if hour > 24 or minute > 59 or (hour == 24 and minute) or (half and not 1 <= hour <= 12):
        return None
    given = hour == 0 or hour > 12 or groups["hour"].startswith("0")
    return Clock(hour, minute, "given" if given else _half(half), *match.span())


def _half(said: str | None) -> Half:
    return "am" if said == "am" else "pm" if said == "pm" else "open"


def hour_of(hour: int, half: Half, part: str | None, hint: Hint = "") -> tuple[int, bool]:
    """The hour out of 24, and whether it was guessed: nobody said which half of the day, and 3 is rather after noon."""
    small_hours = part in {"night", "nacht", "nachts"} and (hour < 5 or hour == 12)
    if half in ("am", "pm"):
        return hour % 12 + (12 if half == "pm" else 0), False
    if half == "given" or hour >= 13:
        return hour, False
    if part in EARLY or part in LATE:
        return hour % 12 + (12 if part in LATE and not small_hours else 0), False
    if hour == 12 or part is not None:
        return hour, False
    late = hour <= 6 if not hint else hint == "late"
    return (hour + 12 if late else hour), late or bool(hint)
