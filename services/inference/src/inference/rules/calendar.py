"""The calendar: new events, the agenda of some days, and whether somebody is free."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from inference.rules.heard import Ask, Heard, Rule, Said, Script, doubted, noted, rule
from inference.rules.moments import Reading, day_said, midnight, read
from inference.rules.shown import by_start, due_of, event_line, listed, moment_of
from inference.rules.toolbox import Answers, Call

SHOWN: Final = 30
WORKDAY: Final = (9, 18)
"""Hours between which free time is looked for on a day."""

HOUR: Final = timedelta(hours=1)


def _event(heard: Heard) -> Script | Said:
    words = heard.words("k")
    if heard.match.groupdict().get("later"):
        words = heard.wording.between(heard.match.start("k"), heard.match.end("later")).less(heard.words("drop"))
    reading, rest = read(words, heard.now)
    title = rest.original
    if reading is None:
        return Ask(f"When is it: {title}?", f"schedule {title}")
    if reading.kind != "moment":
        return Ask(f"At what time is it, on {reading.said}?", f"schedule {title} on {reading.start.date().isoformat()}")
    return doubted(reading, f"schedule {title}") or _kept(title, reading)


def _kept(title: str, reading: Reading) -> Script:
    end = reading.end if reading.length else reading.start + HOUR
    length = "" if reading.length else " I took an hour for it; say “for 30 minutes” for another length."
    yield (Call("create_event", {"title": title[:500], "start": reading.start.isoformat(), "end": end.isoformat()}),)
    again = " It is there once: I can't repeat events yet." if reading.repetition else ""
    return f"It is in your calendar: **{title}** – {reading.said}.{noted(reading)}{length}{again}"


def _agenda(heard: Heard) -> Script:
    """Events of the days that are asked about, and what is due in them. Without a day: today."""
    reading, _ = heard.when()
    start, end = _days(reading, heard.now)
    calls = [Call("list_events", {"start": start.isoformat(), "end": end.isoformat()})]
    if "list_tasks" in heard.tools:
        calls.append(Call("list_tasks", {"status": "open", "limit": 100}))
    answers = yield tuple(calls)
    return agenda(answers, start, end, heard.now)


def agenda(answers: Answers, start: datetime, end: datetime, now: datetime) -> str:
    """What is on between two moments, in words."""
    events = by_start(answers[0].listed("events", "items", "calendar"), now)
    tasks = answers[1].listed("tasks", "items") if len(answers.results) > 1 else []
    due = [task for task in tasks if (when := due_of(task.get("due"), now)) and start <= when < end]
    one = end - start <= timedelta(hours=25)
    days = _day(start, now) if one else f"{day_said(start.date())} to {day_said((end - timedelta(seconds=1)).date())}"
    parts = (
        [listed(f"Your agenda, {days}:", events, lambda event: event_line(event, now, dated=not one), SHOWN)] if events else []
    )
    if due:
        parts.append(listed("Due:" if events else f"Due, {days}:", due, lambda task: str(task.get("title")), SHOWN))
    return "\n\n".join(parts) or f"Nothing is on your agenda, {days}."


def _day(start: datetime, now: datetime) -> str:
    near = {0: "today, ", 1: "tomorrow, "}.get((start.date() - now.date()).days, "")
    return near + day_said(start.date())


def _days(reading: Reading | None, now: datetime) -> tuple[datetime, datetime]:
    if reading is None:
        first, last = now.date(), now.date()
    else:
        first, last = reading.start.date(), reading.start.date()
        if reading.kind == "span":
            last = (reading.end - timedelta(seconds=1)).date()
    return midnight(first, now), midnight(last + timedelta(days=1), now)


def _next(heard: Heard) -> Script:
    end = heard.now + timedelta(days=30)
    answers = yield (Call("list_events", {"start": heard.now.isoformat(), "end": end.isoformat()}),)
    events = by_start(answers[0].listed("events", "items", "calendar"), heard.now)
    coming = [event for event in events if (moment_of(event.get("start"), heard.now) or heard.now) >= heard.now]
    if not coming:
        return "Nothing is in your calendar for the next 30 days."
    return f"Next: {event_line(coming[0], heard.now, dated=True)}."


def _free(heard: Heard) -> Script | Said:
    reading, _ = heard.when()
    return _freed(reading, heard.now) if reading else Ask("On which day, or at what time?", "am I free")


def _freed(reading: Reading, now: datetime) -> Script:
    if reading.kind == "moment":
        start, end = reading.start, reading.end if reading.length else reading.start + HOUR
    else:
        start, end = _days(reading, now)
    answers = yield (Call("list_events", {"start": start.isoformat(), "end": end.isoformat()}),)
    events = [
        event for event in by_start(answers[0].listed("events", "items", "calendar"), now) if _overlaps(event, start, end, now)
    ]
    lines = "; ".join(event_line(event, now, dated=reading.kind == "span") for event in events[:SHOWN])
    if not events:
        return f"You are free: nothing is in your calendar, {reading.said}.{noted(reading)}"
    if reading.kind == "moment":
        return f"You are not free, {reading.said}: {lines}.{noted(reading)}"
    gaps = _gaps(events, start, now) if reading.kind == "day" else []
    free = f" Between {WORKDAY[0]}:00 and {WORKDAY[1]}:00 you are free {', '.join(gaps)}." if gaps else ""
    return f"In your calendar, {reading.said}: {lines}.{free}"


def _overlaps(event: dict[str, Any], start: datetime, end: datetime, now: datetime) -> bool:
    begins, ends = moment_of(event.get("start"), now), moment_of(event.get("end"), now)
    return begins is not None and begins < end and (ends or begins) > start


def _gaps(events: Sequence[dict[str, Any]], day: datetime, now: datetime) -> list[str]:
    """What is left of the working day, half an hour at least."""
    free, close = day.replace(hour=WORKDAY[0]), day.replace(hour=WORKDAY[1])
    gaps: list[str] = []
    for event in events:
        begins, ends = moment_of(event.get("start"), now) or free, moment_of(event.get("end"), now) or free
        if begins - free >= HOUR / 2 and free < close:
            gaps.append(f"{free:%H:%M}–{min(begins, close):%H:%M}")
        free = max(free, ends)
    return [*gaps, f"{free:%H:%M}–{close:%H:%M}"] if close - free >= HOUR / 2 else gaps


_KIND = (
    r"(?:meetings?|appointment|call|event|lunch|dinner|breakfast|brunch|coffee|interview|visit|date|conference|workshop|party|"
    r"session|standup|stand-up|review|class|lesson|haircut|dentist|doctor|termin|besprechung|treffen|mittagessen|abendessen|zahnarzt)"
)
_CALENDAR = r"(?:agenda|calendar|schedule|diary|appointments|meetings|events|programme|program|kalender|termine)"
RULES: Final[list[Rule]] = [
    *rule(
        _event,
        (
            r"(?:add|put|enter) (?P<k>.+?) (?P<drop>(?:to|in|into|on) (?:my |the )?(?:calendar|agenda|diary"
            r"|schedule))(?P<later>(?: .+)?)"
        ),
        (
            rf"(?:schedule|book|plan|create|add|set up|setup|arrange|organi[sz]e|make|put in|enter)(?: me)?(?: a"
            rf"| an| the)?(?: new)? (?P<k>(?:[^ ]+ )?{_KIND}(?: .+)?)"
        ),
        r"(?:calendar|new event|event|appointment|meeting|termin): (?P<k>.+)",
        rf"i have (?:a |an )(?P<k>(?:[^ ]+ )?{_KIND} .+)",
        r"schedule (?P<k>.+)",
        rf"(?:plane?|lege?|mache?|trage?)(?: mir)?(?: bitte)?(?: ein(?:en|e)?)? (?P<k>{_KIND}(?: .+?)?)(?: ein| an)?",
        example="schedule a meeting with Bob on Friday at 10 for 30 minutes",
    ),
    *rule(
        _agenda,
        (
            rf"(?:what is|what do i have|show|list|read|tell|give|get)(?: me)?(?: up)?(?: on| in)?(?: my"
            rf"| the) {_CALENDAR}(?: like)?(?P<x>(?: .+)?)"
        ),
        (
            r"what (?:is|do i have|have i got)(?: going)?(?: on| planned| up| scheduled)?(?: for me)? ?"
            r"(?P<x>(?:on |for |this |next |the )?(?:today|tonight|tomorrow|this|next|monday|tuesday|wednesday|thursday|friday"
            r"|saturday|sunday|weekend|in the|on the|\d{4}-)(?:.*))"
        ),
        (
            rf"(?:do i have|are there|is there)(?: any| some)?(?:thing| {_CALENDAR}| appointment| meeting| event"
            rf"| plans?)(?: on| planned| scheduled)?(?P<x>(?: .+)?)"
        ),
        rf"(?:my )?{_CALENDAR}(?: for| on)?(?P<x>(?: .+)?)",
        r"how (?:does|is) my (?P<x>day|week|tomorrow|weekend)(?: look| looking)?(?: like)?",
        r"was (?:steht|liegt|ist|habe ich)(?P<x>(?: .+?)?) (?:an|vor)",
        rf"(?:zeige?)(?: mir)? mein(?:e|en)? {_CALENDAR}(?P<x>(?: .+)?)",
        example="what's on my agenda tomorrow?",
    ),
    *rule(
        _next,
        r"what is (?:next|coming up|my next (?:meeting|appointment|event))(?: on my (?:agenda|calendar))?",
        r"(?:when|where) is my next (?:meeting|appointment|event)",
        r"next (?:meeting|appointment|event)",
        example="when is my next meeting?",
    ),
    *rule(
        _free,
        r"(?:am i|will i be) (?:free|busy|available)(?P<x>(?: .+)?)",
        r"(?:do i have|have i got)(?: any| some)? (?:free )?time(?P<x>(?: .+)?)",
        r"(?:is|are) (?P<x>.+) (?:free|still free|available)",
        r"(?:habe ich|bin ich)(?P<x>(?: .+)?) (?:zeit|frei)",
        example="am I free on Friday at 3 pm?",
    ),
]
