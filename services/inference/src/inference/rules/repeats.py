"""What comes again and again: `every Monday`, `daily`, `on the 1st of every month`, `jeden Tag`. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from inference.rules.words import DAYS, WEEKDAYS, either, ordinal

_B, _E = r"(?<![^ ])", r"(?![^ ])"
_DAY = rf"(?:{either(list(WEEKDAYS))})s?"
_EVERY = r"(?:on )?(?:every|each|jeden|jede|jedes)"
_PARTS = r"morning|afternoon|evening|night|morgen|mittag|abend|vormittag|nachmittag"

_WEEKLY = re.compile(_B + rf"{_EVERY} (?P<days>{_DAY}(?:(?: and| und|,)? {_DAY}){{0,6}})" + _E)
_PLURAL = re.compile(
    _B + rf"(?:on )?(?P<days>(?:{either(list(WEEKDAYS))})s(?:(?: and| und) (?:{either(list(WEEKDAYS))})s){{0,3}})" + _E
)
_WORKDAYS = re.compile(_B + rf"(?:{_EVERY} (?:weekday|working day|workday|werktag)|(?:on )?weekdays|werktags)" + _E)
_WEEKENDS = re.compile(_B + rf"(?:{_EVERY} (?:weekend|wochenende)|(?:on )?weekends)" + _E)
_DAILY = re.compile(_B + rf"(?:{_EVERY} (?:(?:single )?day|tag|(?P<part>{_PARTS}))|daily|täglich)" + _E)
_PLAIN_WEEK = re.compile(_B + rf"(?:{_EVERY} (?:week|woche)|weekly|wöchentlich)" + _E)
_MONTHLY = re.compile(
    _B + r"(?:(?:on )?(?:the |am )?(?P<number>\d{1,2})(?:st|nd|rd|th) (?:of )?(?:every|each|jeden) (?:month|monats?)"
    r"|(?:every|each|jeden) (?:month|monat)(?: on the (?P<later>\d{1,2})(?:st|nd|rd|th))?|monthly|monatlich)" + _E
)
_HOURLY = re.compile(_B + r"(?:every|each) hour|hourly|stündlich|jede stunde" + _E)


@dataclass(frozen=True, slots=True)
class Repetition:
    """Which days, as crontab(5) writes them (`*` or numbers, Sunday 0), and where it was said."""

    days_of_month: str
    days_of_week: str
    named: str
    """For people: `every Monday`."""
    start: int
    end: int
    part: str | None = None
    hourly: bool = False
    open: bool = False
    """`every week`: which day is only known with the first moment."""

    def first(self, today: date) -> date:
        """The first day of it, today or later."""
        for ahead in range(366):
            day = today + timedelta(days=ahead)
            if self.on(day):
                return day
        return today

    def on(self, day: date) -> bool:
        """Whether it is on this day."""
        of_week = self.days_of_week == "*" or str(day.isoweekday() % 7) in self.days_of_week.split(",")
        return of_week and (self.days_of_month == "*" or str(day.day) == self.days_of_month)

    def cron(self, hour: int, minute: int, first: date) -> str:
        """The five fields."""
        if self.hourly:
            return "0 * * * *"
        week = str(first.isoweekday() % 7) if self.open and self.days_of_month == "*" else self.days_of_week
        month = str(first.day) if self.open and self.days_of_month != "*" else self.days_of_month
        return f"{minute} {hour} {month} * {week}"


def repetition_in(text: str) -> Repetition | None:
    """What is said about coming again, if anything is."""
    for pattern, read in _READ:
        if match := pattern.search(text):
            return read(match)
    return None


def _hourly(match: re.Match[str]) -> Repetition:
    return Repetition("*", "*", "every hour", *match.span(), hourly=True)


def _workdays(match: re.Match[str]) -> Repetition:
    return Repetition("*", "1,2,3,4,5", "every weekday", *match.span())


def _weekends(match: re.Match[str]) -> Repetition:
    return Repetition("*", "0,6", "every Saturday and Sunday", *match.span())


def _monthly(match: re.Match[str]) -> Repetition:
    number = match["number"] or match["later"]
    named = f"on the {ordinal(int(number))} of every month" if number else "every month"
    return Repetition(number or "1", "*", named, *match.span(), open=not number)


def _daily(match: re.Match[str]) -> Repetition:
    return Repetition("*", "*", "every day", *match.span(), part=match["part"])


def _plain_week(match: re.Match[str]) -> Repetition:
    return Repetition("*", "*", "every week", *match.span(), open=True)


def _weekly(match: re.Match[str]) -> Repetition:
    found = {_number(word) for word in re.findall(r"[a-zäöüß]+", match["days"])}
    numbers = sorted(number for number in found if number is not None)
    names = [DAYS[number] for number in numbers]
    named = "every " + (", ".join(names[:-1]) + " and " if len(names) > 1 else "") + names[-1]
    week = ",".join(str((number + 1) % 7) for number in numbers)
    return Repetition("*", week, named, *match.span())


def _number(word: str) -> int | None:
    return WEEKDAYS.get(word, WEEKDAYS.get(word.removesuffix("s")))


_READ: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Repetition]], ...]] = (
    (_HOURLY, _hourly),
    (_WORKDAYS, _workdays),
    (_WEEKENDS, _weekends),
    (_WEEKLY, _weekly),
    (_PLURAL, _weekly),
    (_MONTHLY, _monthly),
    (_DAILY, _daily),
    (_PLAIN_WEEK, _plain_week),
)
