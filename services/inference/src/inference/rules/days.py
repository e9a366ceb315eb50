"""Days as they are said: `tomorrow`, `next Friday`, `the 3rd of March`, `next week`, `übermorgen`. Pure."""

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, Literal

from inference.rules.words import MONTH_NUMBERS, SHORT_WEEKDAYS, WEEKDAYS, either

DayDoubt = Literal["past", "next_year", "order", "week_on"]


@dataclass(frozen=True, slots=True)
class Days:
    """The days from `first` to `last`, and where they were said. `weight` tells what is rather meant than other days nearby."""

    first: date
    last: date
    start: int = 0
    end: int = 0
    weight: int = 0
    doubt: DayDoubt | None = None
    part: str | None = None
    """A part of the day that was said in the same word, such as `tonight`."""


Read = Callable[[re.Match[str], date], Days | None]

_B, _E = r"(?<![^ ])", r"(?![^ ])"
_ON = r"(?:(?P<on>on|by|until|till|for|from|before|since|am|bis|für|ab|zum) )?(?:the )?"
_DAY = rf"(?P<day>{either(list(WEEKDAYS))})"
_ANY_DAY = rf"(?P<day>{either([*WEEKDAYS, *SHORT_WEEKDAYS])})"
_MONTH = rf"(?P<month>{either(list(MONTH_NUMBERS))})"
_NUMBER = r"(?P<number>\d{1,2}|second)(?:st|nd|rd|th)?"
_YEAR = r"(?: (?:of )?(?P<year>20\d\d))?"
_NEXT = r"(?:next|coming|following|nächste[rsnm]?|kommende[rsnm]?)"
_THIS = r"(?:this|diese[rsnm]?)"
_LAST = r"(?:last|letzte[rsnm]?)"
_WHICH = rf"(?P<which>{_NEXT}|{_THIS}|{_LAST})"

NEAR: Final = {
    "the day after tomorrow": 2,
    "day after tomorrow": 2,
    "the day before yesterday": -2,
    "day before yesterday": -2,
    "today": 0,
    "tonight": 0,
    "tomorrow": 1,
    "yesterday": -1,
    "heute": 0,
    "morgen": 1,
    "gestern": -1,
    "übermorgen": 2,
    "vorgestern": -2,
    "this morning": 0,
    "this afternoon": 0,
    "this evening": 0,
}
_LENGTHS: Final = {"day": 1, "tag": 1, "tage": 1, "tagen": 1, "week": 7, "woche": 7, "wochen": 7, "fortnight": 14}
_COUNTS: Final = {"a": 1, "an": 1, "couple": 2, "einem": 1, "einer": 1, "ein": 1, "eine": 1}


def days_in(text: str, today: date) -> list[Days]:
    """Every day and span of days that is said, the one that is rather meant first."""
    found = list(_all(text, today))
    return sorted(found, key=lambda days: (-days.weight - _at_a_border(days, text), -(days.end - days.start), -days.start))


def _at_a_border(days: Days, text: str) -> int:
    return int(days.start == 0 or days.end == len(text))


def _all(text: str, today: date) -> Iterator[Days]:
    for weight, pattern, read in _RULES:
        for match in pattern.finditer(text):
            try:
                days = read(match, today)
            except (ValueError, OverflowError):  # such as the 31st of April
                continue
            if days:
                stressed = int("on" in pattern.groupindex and match["on"] is not None)
                yield replace(days, start=match.start(), end=match.end(), weight=weight + stressed)


def _one(day: date, doubt: DayDoubt | None = None, part: str | None = None) -> Days:
    return Days(day, day, doubt=doubt, part=part)


def _span(first: date, days: int) -> Days:
    return Days(first, first + timedelta(days=days - 1))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _weeks(which: str | None) -> int:
    """How many weeks away: `next` 1, `this` 0, `last` -1."""
    if which is None or re.fullmatch(_THIS, which):
        return 0
    return 1 if re.fullmatch(_NEXT, which) else -1


def _checked(day: date, today: date) -> Days:
    return _one(day, "past" if day < today else None)


# --- what each expression means -------------------------------------------------------------------------------------------


def _near(match: re.Match[str], today: date) -> Days:
    said = match["near"]
    part = {"tonight": "tonight", "this morning": "morning", "this afternoon": "afternoon", "this evening": "evening"}.get(said)
    return _checked(today + timedelta(days=NEAR[said]), today) if part is None else _one(today, part=part)


def _german_morning(match: re.Match[str], today: date) -> Days:
    return _one(today + timedelta(days=match["first"] == "morgen"), part="früh")


def _iso(match: re.Match[str], today: date) -> Days:
    return _checked(date.fromisoformat(match["iso"]), today)


def _ahead(match: re.Match[str], today: date) -> Days | None:
    count = _COUNTS.get(match["count"]) or int(match["count"])
    unit = match["unit"].rstrip("s") if match["unit"] not in _LENGTHS else match["unit"]
    base = match.groupdict().get("base")
    start = (
        today if base is None else today + timedelta(days=NEAR.get(base, 0)) if base in NEAR else _coming(WEEKDAYS[base], today)
    )
    if unit in _LENGTHS:
        return _one(start + timedelta(days=_LENGTHS[unit] * count))
    return _one(_months_on(start, count * (12 if unit.startswith(("y", "jahr")) else 1)))


def _ago(match: re.Match[str], today: date) -> Days:
    count = _COUNTS.get(match["count"]) or int(match["count"])
    return _one(today - timedelta(days=_LENGTHS[match["unit"].rstrip("s")] * count), "past")


def _months_on(day: date, count: int) -> date:
    year, month = divmod(day.month - 1 + count, 12)
    return date(day.year + year, month + 1, min(day.day, calendar.monthrange(day.year + year, month + 1)[1]))


def _coming(weekday: int, today: date) -> date:
    """The first one after today."""
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def _weekday(match: re.Match[str], today: date) -> Days:
    """`Friday` is the next one to come; `next Friday` that of the next week; `this Friday` and `last Friday` likewise."""
    name = match["day"]
    weekday = WEEKDAYS[name] if name in WEEKDAYS else SHORT_WEEKDAYS[name]
    which = match.groupdict().get("which")
    if which is None or re.fullmatch(r"coming|kommende[rsnm]?", which):
        return _one(_coming(weekday, today), "week_on" if weekday == today.weekday() else None)
    if re.fullmatch(_LAST, which):
        return _one(today - timedelta(days=(today.weekday() - weekday - 1) % 7 + 1), "past")
    return _checked(_monday(today) + timedelta(days=7 * _weeks(which) + weekday), today)


def _day_of_week(match: re.Match[str], today: date) -> Days:
    weekday = WEEKDAYS[match["day"]]
    return _checked(_monday(today) + timedelta(days=7 * _weeks(match["which"]) + weekday), today)


def _week(match: re.Match[str], today: date) -> Days:
    monday = _monday(today) + timedelta(days=7 * _weeks(match["which"]))
    if _weeks(match["which"]) == 0:
        return Days(today, monday + timedelta(days=6))
    return _span(monday, 7)


def _weekend(match: re.Match[str], today: date) -> Days:
    saturday = _monday(today) + timedelta(days=5 + 7 * _weeks(match["which"]))
    return _span(saturday, 2)


def _month(match: re.Match[str], today: date) -> Days:
    first = _months_on(today.replace(day=1), _weeks(match["which"]))
    last = _months_on(first, 1) - timedelta(days=1)
    return Days(max(first, today) if _weeks(match["which"]) == 0 else first, last)


def _next_days(match: re.Match[str], today: date) -> Days:
    count = min(int(match["count"]), 366) * _LENGTHS[match["unit"].rstrip("s")]
    return _span(today, count)


def _end_of(match: re.Match[str], today: date) -> Days:
    if match["what"] in {"month", "monats"}:
        return _one(_months_on(today.replace(day=1), 1 + _weeks(match["which"])) - timedelta(days=1))
    friday = _monday(today) + timedelta(days=4 + 7 * _weeks(match["which"]))
    return _one(friday if friday >= today else friday + timedelta(days=2))


def _month_day(match: re.Match[str], today: date) -> Days:
    number = 2 if match["number"] == "second" else int(match["number"])
    return _dated(number, MONTH_NUMBERS[match["month"]], match["year"], today)


def _whole_month(match: re.Match[str], today: date) -> Days:
    month = MONTH_NUMBERS[match["month"]]
    year = int(match["year"]) if match["year"] else today.year + (month < today.month)
    first = date(year, month, 1)
    return Days(
        max(first, today) if (year, month) == (today.year, today.month) else first, _months_on(first, 1) - timedelta(days=1)
    )


def _dated(number: int, month: int, year: str | None, today: date) -> Days:
    if year is not None:
        return _checked(date(int(year) if len(year) == 4 else 2000 + int(year), month, number), today)
    for ahead in range(9):  # the 29th of February may be eight years away
        if number <= calendar.monthrange(today.year + ahead, month)[1]:
            day = date(today.year + ahead, month, number)
            if day >= today:
                return _one(day, "next_year" if ahead else None)
    raise ValueError("no such day")


def _day_of_month(match: re.Match[str], today: date) -> Days | None:
    number = int(match["number"])
    for ahead in range(3):
        first = _months_on(today.replace(day=1), ahead)
        if 1 <= number <= calendar.monthrange(first.year, first.month)[1] and first.replace(day=number) >= today:
            return _one(first.replace(day=number))
    return None


def _pointed(match: re.Match[str], today: date) -> Days:
    return _dated(int(match["number"]), int(match["second"]), match["year"] or None, today)


def _slashed(match: re.Match[str], today: date) -> Days:
    """Day before month, unless it can't be; where both could be, whoever says it is asked."""
    first, second = int(match["number"]), int(match["second"])
    if second > 12:
        return _dated(second, first, match["year"], today)
    days = _dated(first, second, match["year"], today)
    return replace(days, doubt="order") if first <= 12 and first != second else days


_NEAR = either(list(NEAR))
_COUNT = r"(?P<count>\d{1,3}|a couple of|an?|einem|einer|eine?)".replace("a couple of", "couple")
_RULES: Final[tuple[tuple[int, re.Pattern[str], Read], ...]] = (
    (5, re.compile(_B + _ON + r"(?P<iso>\d{4}-\d\d-\d\d)" + _E), _iso),
    (4, re.compile(_B + r"(?P<first>heute|morgen) (?:morgen|früh)" + _E), _german_morning),
    (3, re.compile(_B + _ON + rf"(?P<near>{_NEAR})" + _E), _near),
    (
        4,
        re.compile(
            _B + rf"(?:in )?(?:a )?{_COUNT}(?: of)? (?P<unit>days?|weeks?|months?|years?) "
            rf"(?:from|after) (?:now|(?P<base>today|tomorrow|{either(list(WEEKDAYS))}))" + _E
        ),
        _ahead,
    ),
    (
        3,
        re.compile(
            _B
            + rf"in (?:a )?{_COUNT}(?: of)? (?P<unit>days?|weeks?|fortnight|months?|years?|tag|tagen|wochen?|monat|monaten|jahr"
            r"|jahren)(?: time)?" + _E
        ),
        _ahead,
    ),
    (3, re.compile(_B + rf"{_COUNT} (?P<unit>days?|weeks?) ago" + _E), _ago),
    (5, re.compile(_B + _ON + rf"{_DAY} (?:of )?{_WHICH} (?:week|woche)" + _E), _day_of_week),
    (5, re.compile(_B + rf"{_WHICH} (?:week|woche) (?:(?P<on>on|am) )?{_DAY}" + _E), _day_of_week),
    (3, re.compile(_B + _ON + rf"{_WHICH} {_ANY_DAY}" + _E), _weekday),
    (2, re.compile(_B + _ON + _DAY + _E), _weekday),
    (2, re.compile(_B + rf"(?:(?P<on>on|by|until|am|bis) ){_ANY_DAY}" + _E), _weekday),
    (3, re.compile(_B + _ON + r"(?:in )?(?:der )?" + rf"{_WHICH} (?:week|woche)" + _E), _week),
    (2, re.compile(_B + r"(?:in |on |at |am |for )?(?:the )?" + rf"(?:{_WHICH} )?(?:weekend|wochenende)" + _E), _weekend),
    (3, re.compile(_B + r"(?:in |im )?" + rf"{_WHICH} (?:month|monat)" + _E), _month),
    (
        3,
        re.compile(_B + r"(?:in |for |over |during )?(?:the )?next (?P<count>\d{1,3}) (?P<unit>days?|weeks?)" + _E),
        _next_days,
    ),
    (
        4,
        re.compile(_B + r"(?:at |by |before |until )?(?:the )?end of (?:the )?" + rf"(?:{_WHICH} )?(?P<what>week|month)" + _E),
        _end_of,
    ),
    (4, re.compile(_B + _ON + rf"(?:{_ANY_DAY} )?(?:the |dem )?{_NUMBER}(?: of)? {_MONTH}{_YEAR}" + _E), _month_day),
    (
        4,
        re.compile(_B + _ON + rf"(?:{_ANY_DAY} )?{_MONTH} (?:the )?{_NUMBER}{_YEAR}" + _E + r"(?! ?(?:am|pm|oclock))"),
        _month_day,
    ),
    (2, re.compile(_B + r"(?:in|during|im) " + rf"{_MONTH}{_YEAR}" + _E), _whole_month),
    (
        3,
        re.compile(_B + r"(?P<on>on|by|until|till|for|am|bis|zum) (?:the |dem )?" + r"(?P<number>\d{1,2})(?:st|nd|rd|th)" + _E),
        _day_of_month,
    ),
    (2, re.compile(_B + r"the (?P<number>\d{1,2})(?:st|nd|rd|th)" + _E + r"\Z"), _day_of_month),
    (4, re.compile(_B + _ON + r"(?P<number>\d{1,2})\.(?P<second>\d{1,2})\.(?P<year>20\d\d|\d\d)" + _E), _pointed),
    (
        4,
        re.compile(_B + r"(?P<on>on|by|until|am|bis|zum|vom) (?P<number>\d{1,2})\.(?P<second>\d{1,2})(?P<year>)" + _E),
        _pointed,
    ),
    (4, re.compile(_B + _ON + r"(?P<number>\d{1,2})/(?P<second>\d{1,2})(?:/(?P<year>20\d\d|\d\d))?" + _E), _slashed),
)
