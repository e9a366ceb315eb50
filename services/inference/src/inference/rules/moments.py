"""When something is, as it was said: a moment, a day, some days, or again and again; and what had to be guessed. Pure.

A reading says of itself how it was understood (`said`), so that whoever meant another time sees it.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from inference.rules import clock as clocks
from inference.rules.clock import Clock, Hint, Part, hour_of
from inference.rules.days import Days, days_in
from inference.rules.repeats import Repetition, repetition_in
from inference.rules.wording import Wording
from inference.rules.words import DAYS, MONTHS

Doubt = Literal["past", "next_year", "order", "week_on", "half", "either_half", "midnight", "gap", "fold"]
Kind = Literal["moment", "day", "span"]

SERIOUS: Final[frozenset[Doubt]] = frozenset({"past", "order", "either_half"})
"""Guesses that are asked about before anything is written."""

_UNITS: Final = {
    **dict.fromkeys(("second", "sec", "sekunde", "sekunden"), 1),
    **dict.fromkeys(("minute", "min", "minuten"), 60),
    **dict.fromkeys(("hour", "hr", "h", "stunde", "stunden"), 3_600),
}
_UNIT = r"(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|h|sekunden?|minuten?|stunden?)"
_AMOUNT = (
    rf"(?:(?:an?|1) hour and a half|half an hour|(?:einer )?halben? stunde|(?:an?|einer|eine|\d{{1,4}}|a couple of) {_UNIT}"
    rf"(?: (?:and |und )?\d{{1,3}} {_UNIT})?|\d{{1,2}}(?:\.5| and a half) hours)"
)
_B, _E = r"(?<![^ ])", r"(?![^ ])"
_SOON = re.compile(_B + rf"(?:in (?P<amount>{_AMOUNT})|(?P<later>{_AMOUNT}) from now)(?: time)?" + _E)
_STAMP = re.compile(_B + r"\d{4}-\d\d-\d\dt\d\d:\d\d(?::\d\d)?(?:z|[+-]\d\d:\d\d)" + _E)
_LONG = re.compile(_B + rf"(?:(?:for|lasting|für) (?P<amount>{_AMOUNT})|(?P<other>\d{{1,3}} (?:minute|hour)) long)" + _E)
_PIECE = re.compile(rf"(?P<count>\d{{1,4}}|an?|einer|eine|a couple of) (?P<unit>{_UNIT})(?![^ ])")
_EARLY = re.compile(_B + r"(?:breakfast|wake|alarm|sunrise|frühstück|wecke?n?)" + _E)
_LATE = re.compile(_B + r"(?:dinner|supper|movie|cinema|concert|party|drinks|theatre|theater|abendessen|kino|konzert)" + _E)
_LEFT_OVER = re.compile(r"(?:on|at|by|for|from|um|am|für|in)\Z")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a time was understood. `end` is exclusive; of a moment without a length it is the moment itself."""

    kind: Kind
    start: datetime
    end: datetime
    doubts: tuple[Doubt, ...] = ()
    length: timedelta | None = None
    """Said besides: `for 30 minutes`, `from 9 to 10`."""
    repetition: Repetition | None = None
    zone: str = "UTC"

    @property
    def serious(self) -> bool:
        """Whether it was guessed so badly that one should ask."""
        return any(doubt in SERIOUS for doubt in self.doubts)

    @property
    def due(self) -> str:
        """As tasks take it: a day, or a moment with its offset."""
        return self.start.isoformat() if self.kind == "moment" else self.start.date().isoformat()

    @property
    def cron(self) -> str | None:
        """The repetition as a cron expression in the zone, if there is one."""
        if self.repetition is None:
            return None
        hour, minute = (self.start.hour, self.start.minute) if self.kind == "moment" else (9, 0)
        return self.repetition.cron(hour, minute, self.start.date())

    @property
    def said(self) -> str:
        """`Friday 4 December 2026, 09:00 (Europe/Berlin)`."""
        if self.repetition is not None:
            at = f" at {self.start:%H:%M}" if self.kind == "moment" and not self.repetition.hourly else ""
            return f"{self.repetition.named}{at} ({self.zone}), first on {day_said(self.start.date())}"
        if self.kind == "span":
            last = (self.end - timedelta(microseconds=1)).date()
            return f"{day_said(self.start.date())} to {day_said(last)}"
        if self.kind == "day":
            return day_said(self.start.date())
        until = f"–{self.end:%H:%M}" if self.length is not None and self.end.date() == self.start.date() else ""
        seconds = f"{self.start:%H:%M:%S}" if self.start.second else f"{self.start:%H:%M}"
        return f"{day_said(self.start.date())}, {seconds}{until} ({self.zone})"

    @property
    def explained(self) -> str:
        """What was guessed, in sentences; empty when nothing was."""
        return " ".join(
            _EXPLAINED[doubt].format(at=f"{self.start:%H:%M}", day=day_said(self.start.date())) for doubt in self.doubts
        )


_EXPLAINED: Final[dict[Doubt, str]] = {
    "past": "That is in the past.",
    "next_year": "That day has been this year already, so I took the next one.",
    "order": "I read the day before the month.",
    "week_on": "Today is that day too; I took the one in a week.",
    "half": "You did not say which half of the day, so I took {at}.",
    "either_half": "You did not say which half of the day, and the earlier one is over, so I took {at}.",
    "midnight": "I took midnight to be the end of the day that you named.",
    "gap": "The clocks go forward in that hour, so I took {at}, which is when it would be.",
    "fold": "The clocks go back in that hour and it comes twice; I took the first.",
}


def zone_of(name: str) -> ZoneInfo:
    """The timezone of this name; UTC when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def day_said(day: date) -> str:
    """`Friday 4 December 2026`."""
    return f"{DAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]} {day.year}"


def read(said: Wording, now: datetime, day: date | None = None) -> tuple[Reading | None, Wording]:
    """When, and what else was said. `now` has its zone; `day` is meant where none is named."""
    spans: list[tuple[int, int]] = []
    text, length = said.text, None
    if match := _LONG.search(text):
        length = _amount(match["amount"] or match["other"])
        text = _blank(text, match.span(), spans)
    repetition = repetition_in(text)
    if repetition:
        text = _blank(text, (repetition.start, repetition.end), spans)
    reading = _stamp(text, now, spans) or _soon(text, now, length, spans) or _read(text, now, day, length, repetition, spans)
    return reading, _trimmed(said, spans)


def _blank(text: str, span: tuple[int, int], spans: list[tuple[int, int]]) -> str:
    """What was understood is not read again; places stay what they are."""
    spans.append(span)
    return text[: span[0]] + "\0" * (span[1] - span[0]) + text[span[1] :]


def _trimmed(said: Wording, spans: list[tuple[int, int]]) -> Wording:
    """Without what was understood, and without a preposition that is left hanging at the end."""
    rest = said.without(spans)
    while rest.words and _LEFT_OVER.match(rest.words[-1].form):
        rest = Wording(said.said, rest.words[:-1])
    return rest


def _stamp(text: str, now: datetime, spans: list[tuple[int, int]]) -> Reading | None:
    """`2026-12-04T09:00+01:00`."""
    match = _STAMP.search(text)
    try:
        start = datetime.fromisoformat(match[0].upper()).astimezone(now.tzinfo) if match else None
    except (ValueError, OverflowError):
        return None
    if match is None or start is None:
        return None
    spans.append(match.span())
    return Reading("moment", start, start, ("past",) if start < now else (), zone=_name(now))


def _soon(text: str, now: datetime, length: timedelta | None, spans: list[tuple[int, int]]) -> Reading | None:
    match = _SOON.search(text)
    amount = _amount(match["amount"] or match["later"]) if match else None
    if match is None or amount is None:
        return None
    spans.append(match.span())
    start = _later(now, amount)
    if amount.total_seconds() % 60 == 0 and amount >= timedelta(hours=1):
        start = start.replace(second=0, microsecond=0)
    return Reading("moment", start, _later(start, length or timedelta()), length=length, zone=_name(now))


def _read(
    text: str,
    now: datetime,
    day: date | None,
    length: timedelta | None,
    repetition: Repetition | None,
    spans: list[tuple[int, int]],
) -> Reading | None:
    days = next(iter(days_in(text, now.date())), None)
    if days:
        text = _blank(text, (days.start, days.end), spans)
    part = _part(text, days)
    if part:
        text = _blank(text, (part.start, part.end), spans)
    clock = clocks.clock_in(text, days.end + 1 if days else 0)
    if clock is None and days:
        clock = clocks.bare_clock(text, days.end + 1)
        clock = clock if clock and (clock.end == len(text) or text[clock.end :].startswith((" for ", " to "))) else None
    if clock:
        spans.append((clock.start, clock.end))
    if not (days or part or clock or repetition):
        return None
    named = part.name if part else days.part if days and days.part else repetition.part if repetition else None
    return _Meant(now, days, named, clock, length, repetition, day, _hint(text)).reading()


def _hint(text: str) -> Hint:
    return "early" if _EARLY.search(text) else "late" if _LATE.search(text) else ""


def _part(text: str, days: Days | None) -> Part | None:
    """A part of the day, unless it may as well be a word of a title: `the morning run`."""
    part = clocks.part_in(text)
    if part is None:
        return None
    neighbour = days is not None and (part.start == days.end + 1 or part.end + 1 == days.start)
    introduced = " " in text[part.start : part.end]
    return part if introduced or neighbour or part.end == len(text) else None


def _amount(text: str) -> timedelta | None:
    if re.search(r"hour and a half", text) and not re.match(r"\d\d|[2-9]", text):
        return timedelta(minutes=90)
    if re.search(r"half an hour|halben? stunde", text):
        return timedelta(minutes=30)
    if match := re.match(r"(\d{1,2})(?:\.5| and a half) hours", text):
        return timedelta(hours=int(match[1]), minutes=30)
    seconds = 0
    for piece in _PIECE.finditer(text):
        unit = piece["unit"]
        count = int(piece["count"]) if piece["count"].isdigit() else 2 if "couple" in piece["count"] else 1
        seconds += count * _UNITS.get(unit, _UNITS.get(unit.rstrip("s"), 0))
    return timedelta(seconds=seconds) if seconds else None


def _later(moment: datetime, amount: timedelta) -> datetime:
    """So much real time later, whatever the clocks do meanwhile."""
    return (moment.astimezone(ZoneInfo("UTC")) + amount).astimezone(moment.tzinfo)


def _name(now: datetime) -> str:
    return str(now.tzinfo) if isinstance(now.tzinfo, ZoneInfo) else "UTC"


@dataclass(frozen=True, slots=True)
class _Meant:
    """Everything that was said about a time, to be put together."""

    now: datetime
    days: Days | None
    part: str | None
    clock: Clock | None
    length: timedelta | None
    repetition: Repetition | None
    day: date | None
    hint: Hint

    def reading(self) -> Reading:
        """What it comes to."""
        if self.clock is None and self.part is None:
            return self._of_days()
        hour, minute, guessed = self._time()
        doubts: list[Doubt] = []
        if guessed:
            doubts.append("half")
        day, hour = self._day(hour, minute, doubts)
        start, turned = _at(day, hour, minute, self.now)
        if turned:
            doubts.append(turned)
        if start < self.now and self.repetition is None and "past" not in doubts:
            doubts.append("past")
        length = self._length(hour, minute)
        end = _later(start, length or timedelta())
        return Reading("moment", start, end, tuple(dict.fromkeys(doubts)), length, self.repetition, _name(self.now))

    def _of_days(self) -> Reading:
        today = self.now.date()
        first, last = (self.days.first, self.days.last) if self.days else (self.day or today,) * 2
        if self.repetition and not self.days:
            first = last = self.repetition.first(today)
        start, end = midnight(first, self.now), midnight(last + timedelta(days=1), self.now)
        doubts: tuple[Doubt, ...] = (self.days.doubt,) if self.days and self.days.doubt else ()
        kind: Kind = "day" if first == last else "span"
        return Reading(kind, start, end, doubts, self.length, self.repetition, _name(self.now))

    def _time(self) -> tuple[int, int, bool]:
        if self.clock is None:
            return 20 if self.part == "tonight" else clocks.PARTS[self.part or "morning"], 0, False
        part = "night" if self.part == "tonight" else self.part
        hour, guessed = hour_of(self.clock.hour, self.clock.half, part, self.hint)
        return hour, self.clock.minute, guessed

    def _day(self, hour: int, minute: int, doubts: list[Doubt]) -> tuple[date, int]:
        """The day, and the hour again: of a naked `at 9` the half of the day that is still to come is taken."""
        today = self.now.date()
        named = self.days.first if self.days else self.day
        if self.days and self.days.doubt:
            doubts.append(self.days.doubt)
        if self.repetition and named is None:
            return self.repetition.first(
                today if (hour, minute) > (self.now.hour, self.now.minute) else today + timedelta(1)
            ), hour
        if hour == 24:
            if named not in (None, today):
                doubts.append("midnight")
            return (named or today) + timedelta(days=1), 0
        if self.part in {"tonight", "night", "nacht"} and hour < 5 and self.clock:
            return (named or today) + timedelta(days=1), hour
        if (named or today) == today and (hour, minute) <= (self.now.hour, self.now.minute):
            return self._today_is_over(named, hour, minute, doubts)
        return named or today, hour

    def _today_is_over(self, named: date | None, hour: int, minute: int, doubts: list[Doubt]) -> tuple[date, int]:
        today = self.now.date()
        said_half = self.part is not None or self.hint == "early"
        open_half = self.clock is not None and self.clock.half == "open" and not said_half and hour < 12
        if open_half and (hour + 12, minute) > (self.now.hour, self.now.minute):
            doubts[:] = ["either_half", *(doubt for doubt in doubts if doubt != "half")]
            return today, hour + 12
        return (today if named else today + timedelta(days=1)), hour

    def _length(self, hour: int, minute: int) -> timedelta | None:
        if self.clock is None or self.clock.until is None:
            return self.length
        last, last_minute, half = self.clock.until
        if half in ("open", "given") and last < 12 and last <= hour % 12 + (12 if hour >= 12 and last < hour else 0):
            last += 12
        ends, _ = hour_of(last, "given" if last > 12 else half, self.part)
        ends = ends if (ends, last_minute) > (hour, minute) else ends + 12
        minutes = (ends - hour) * 60 + last_minute - minute
        return timedelta(minutes=minutes if minutes > 0 else minutes + 24 * 60)


def midnight(day: date, now: datetime) -> datetime:
    """The beginning of this day, where `now` is."""
    return datetime.combine(day, time(), now.tzinfo)


def _at(day: date, hour: int, minute: int, now: datetime) -> tuple[datetime, Literal["gap", "fold"] | None]:
    """This time of this day; one that the clocks skip is as much later, of one that comes twice it is the first (F33)."""
    there = datetime.combine(day, time(hour, minute), now.tzinfo)
    real = there.astimezone(ZoneInfo("UTC")).astimezone(now.tzinfo)
    if real.replace(tzinfo=None) != there.replace(tzinfo=None):
        return real, "gap"
    return there, "fold" if there.utcoffset() != there.replace(fold=1).utcoffset() else None
