"""What is said about time, read as people mean it, and never silently otherwise. The table is `moments.txt`."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.rules.moments import SERIOUS, Reading, day_said, read
from inference.rules.wording import wording
from inference.rules.words import DAYS, MONTHS, ordinal

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 28, 16, 45, tzinfo=BERLIN)
FIRST, LAST = datetime(1990, 1, 2), datetime(2090, 1, 1)  # noqa: DTZ001 - hypothesis draws between naive ones
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/St_Johns",
)
TABLE = [line for line in Path(__file__).with_name("moments.txt").read_text().splitlines() if not line.startswith("#")]
VOCABULARY = tuple(
    """
    at on in the of to from for by until next last this every each a an 0 1 3 9 12 15 24 30 31 61 2026 am pm oclock half quarter
    past monday friday weekend week month day today tomorrow yesterday tonight morning noon midnight march february second first
    third twenty five minutes hours and then heute morgen um uhr 3/4 30.2 4.12.2026 9:30 99:99 2026-02-30 2026-12-04T25:00 - , .
    ago
    """.split()  # noqa: SIM905 - eighty words are read like this
)

moments = st.builds(
    lambda at, zone: at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)),
    st.datetimes(FIRST, LAST).map(lambda at: at.replace(microsecond=0)),
    st.sampled_from(ZONES),
)


def reading(text: str, now: datetime = NOW) -> Reading:
    found, _ = read(wording(text), now)
    assert found is not None
    return found


def shown(found: Reading) -> str:
    if found.kind == "moment":
        return f"{found.start:%Y-%m-%d %H:%M}" + (f"-{found.end:%H:%M}" if found.length else "")
    last = (found.end - timedelta(seconds=1)).date()
    return f"{found.start.date()}" + (f"..{last}" if found.kind == "span" else "")


def test_the_table_is_long_enough():
    assert len(TABLE) >= 150


@pytest.mark.parametrize("line", TABLE, ids=[line.split(" | ")[0] for line in TABLE])
def test_it_is_read_as_people_mean_it(line: str):
    said, when, rest, doubts, cron = (*(part.strip() for part in line.split("|")), "", "", "", "")[:5]
    found, left = read(wording(said), NOW)
    assert (shown(found) if found else "") == when
    assert left.original == rest
    assert (" ".join(found.doubts) if found else "") == doubts
    assert ((found.cron or "") if found else "") == cron


def test_the_reading_is_a_sentence_with_the_zone():
    assert reading("friday at 9").said == "Friday 4 December 2026, 09:00 (Europe/Berlin)"
    assert reading("next week").said == "Monday 30 November 2026 to Sunday 6 December 2026"
    assert reading("monday from 9 to 10").said == "Monday 30 November 2026, 09:00–10:00 (Europe/Berlin)"
    assert reading("every monday at 8").said == "every Monday at 08:00 (Europe/Berlin), first on Monday 30 November 2026"


def test_whatever_was_guessed_is_said():
    assert "which half of the day" in reading("tomorrow at 3").explained
    assert reading("tomorrow at 9").explained == ""
    assert "clocks go forward" in reading("28 March 2027 at 02:30").explained
    assert "comes twice" in reading("31 October 2027 at 02:30").explained


def test_a_bad_guess_is_one_to_ask_about():
    serious = {text: reading(text).serious for text in ("yesterday", "3/4", "today at 9", "tomorrow at 3", "friday at 9")}
    assert serious == {"yesterday": True, "3/4": True, "today at 9": True, "tomorrow at 3": False, "friday at 9": False}


def test_a_moment_that_the_clocks_skip_is_as_much_later_and_one_that_comes_twice_is_the_first_f33():
    assert reading("28 March 2027 at 02:30").start.isoformat() == "2027-03-28T03:30:00+02:00"
    assert reading("31 October 2027 at 02:30").start.isoformat() == "2027-10-31T02:30:00+02:00"


def test_hours_from_now_are_real_hours_when_the_clocks_change():
    before = datetime(2027, 3, 28, 1, 30, tzinfo=BERLIN)
    assert reading("in 2 hours", before).start.isoformat() == "2027-03-28T04:30:00+02:00"


def test_what_is_left_keeps_its_case_and_signs():
    _, rest = read(wording("call Dr. O'Neill (mobile) tomorrow at 9 about the iPhone"), NOW)
    assert rest.original == "call Dr. O'Neill (mobile) about the iPhone"


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(VOCABULARY), max_size=12).map(" ".join)), moments)
def test_no_text_is_too_odd(text: str, now: datetime):
    found, rest = read(wording(text), now)
    assert all(word in wording(text).words for word in rest.words)
    if found is not None:
        assert found.start.tzinfo is not None
        assert found.end >= found.start
        assert found.said
        assert set(found.doubts) & SERIOUS or found.repetition or found.end > now - timedelta(days=32)


@given(moments, moments)
def test_a_full_date_and_time_is_read_to_the_minute(when: datetime, now: datetime):
    when = when.astimezone(now.tzinfo)
    found = reading(f"on {when.day} {MONTHS[when.month - 1]} {2000 + when.year % 100} at {when:%H:%M}", now)
    meant = when.replace(year=2000 + when.year % 100, second=0, fold=0) if (when.month, when.day) != (2, 29) else None
    if meant is not None and not {"gap", "fold", "either_half"} & set(found.doubts):
        assert found.start == meant


@given(st.dates(date(2026, 11, 28), date(2034, 1, 1)))
def test_every_way_to_write_a_day_is_the_same_day(day: date):
    month = MONTHS[day.month - 1]
    ways = (
        day.isoformat(),
        f"{day.day} {month} {day.year}",
        f"{month} {ordinal(day.day)}, {day.year}",
        f"the {ordinal(day.day)} of {month.lower()} {day.year}",
        f"{day.day}.{day.month}.{day.year}",
        f"am {day.day}. {month} {day.year}",
        day_said(day),
    )
    assert {reading(way).start.date() for way in ways} == {day}


@given(st.sampled_from(DAYS), moments)
def test_a_weekday_is_within_the_week_to_come(name: str, now: datetime):
    found = reading(f"on {name}", now)
    assert DAYS[found.start.weekday()] == name
    assert 1 <= (found.start.date() - now.date()).days <= 7


@given(st.integers(1, 5_000), moments)
def test_minutes_from_now_are_exact_in_every_zone(minutes: int, now: datetime):
    apart = reading(f"in {minutes} minutes", now).start.astimezone(UTC) - now.astimezone(UTC)
    assert abs(apart - timedelta(minutes=minutes)) < timedelta(minutes=1)


@given(st.sampled_from(TABLE).map(lambda line: line.split(" | ")[0]))
def test_case_does_not_matter(said: str):
    loud, _ = read(wording(said.upper()), NOW)
    quiet, _ = read(wording(said), NOW)
    assert loud == quiet
