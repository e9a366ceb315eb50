"""The plan of a day and the summary of a week, made by rules that anybody can follow."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, cast

from inference.rules.heard import Heard, Rule, Script, noted, rule
from inference.rules.moments import day_said, midnight
from inference.rules.shown import by_start, due_of, event_line, listed, moment_of
from inference.rules.toolbox import Call

PRIORITIES: Final = 3
TODOS: Final = 5
PRESSING: Final = frozenset({"urgent", "important"})
"""Tags that go before every date."""

LONGEST_LINE: Final = 500
WEEK: Final = timedelta(days=7)
SHOWN: Final = 12


def _plan(heard: Heard) -> Script:
    """Tasks that press, then what is due first, then the oldest; with what the calendar holds."""
    reading, _ = heard.when()
    day = reading.start.date() if reading else heard.now.date()
    start, end = midnight(day, heard.now), midnight(day + timedelta(days=1), heard.now)
    answers = yield (
        Call("list_tasks", {"status": "open", "limit": 100}),
        Call("list_events", {"start": start.isoformat(), "end": end.isoformat()}),
    )
    tasks = [task for task in answers[0].listed("tasks", "items") if task.get("status", "open") == "open"]
    events = by_start(answers[1].listed("events", "items", "calendar"), heard.now)
    plan = planned(tasks, events, day, heard.now)
    yield (Call("put_plan", {"date": day.isoformat(), **plan}),)
    return shown(plan, day, heard.now) + (noted(reading) if reading else "")


def planned(
    tasks: Sequence[dict[str, Any]], events: Sequence[dict[str, Any]], day: date, now: datetime
) -> dict[str, list[str]]:
    """Three priorities, five todos, one note."""
    ordered = [str(task.get("title", ""))[:LONGEST_LINE] for task in sorted(tasks, key=lambda task: _urgency(task, now))]
    left = len(ordered) - PRIORITIES - TODOS
    calendar = "; ".join(event_line(event, now, dated=False).replace("**", "") for event in events[:SHOWN])
    note = f"In the calendar: {calendar}." if calendar else "Nothing is in the calendar."
    more = f" {left} more tasks are open." if left > 0 else ""
    return {
        "priorities": ordered[:PRIORITIES],
        "todos": ordered[PRIORITIES : PRIORITIES + TODOS],
        "notes": [(note + more)[:4_000]],
    }


def _urgency(task: dict[str, Any], now: datetime) -> tuple[bool, float, str]:
    tags: Any = task.get("tags")
    pressing = any(str(tag).lower() in PRESSING for tag in cast("list[Any]", tags if isinstance(tags, list) else []))
    due = due_of(task.get("due"), now)
    return not pressing, due.timestamp() if due else float("inf"), str(task.get("createdAt", ""))


def shown(plan: dict[str, Any], day: date, now: datetime) -> str:
    """A plan in words."""
    when = "today, " if day == now.date() else ""
    parts = [f"The plan for {when}{day_said(day)}:"]
    for head, key in (("First", "priorities"), ("Then", "todos")):
        if lines := plan.get(key):
            parts.append("\n".join([f"**{head}**", "", *(f"{place}. {line}" for place, line in enumerate(lines, start=1))]))
    if not plan.get("priorities"):
        parts.append("No task is open.")
    return "\n\n".join([*parts, *map(str, plan.get("notes") or [])])


def _show_plan(heard: Heard) -> Script:
    reading, _ = heard.when()
    day = reading.start.date() if reading else heard.now.date()
    answers = yield (Call("get_plan", {"date": day.isoformat()}),)
    plan = answers[0].mapping
    if not any(plan.get(key) for key in ("priorities", "todos", "notes")):
        return f"There is no plan for {day_said(day)} yet. Say “plan my day” to make one."
    return shown(plan, day, heard.now)


def _week(heard: Heard) -> Script:
    """What was done, noted and met in seven days, and what the next ones bring."""
    start, end = heard.now - WEEK, heard.now + WEEK
    answers = yield (
        Call("list_tasks", {"limit": 200}),
        Call("list_notes", {"limit": 50}),
        Call("list_events", {"start": start.isoformat(), "end": end.isoformat()}),
    )
    tasks, notes = answers[0].listed("tasks", "items"), answers[1].listed("notes", "items")
    events = by_start(answers[2].listed("events", "items", "calendar"), heard.now)
    return week(tasks, notes, events, heard.now)


def week(
    tasks: Sequence[dict[str, Any]], notes: Sequence[dict[str, Any]], events: Sequence[dict[str, Any]], now: datetime
) -> str:
    """The summary in words, made by counting and listing: it says so."""

    def lately(thing: dict[str, Any], key: str) -> bool:
        at = moment_of(thing.get(key), now)
        return at is not None and now - WEEK <= at <= now

    done = [task for task in tasks if task.get("status") == "completed" and lately(task, "completedAt")]
    left = [task for task in tasks if task.get("status", "open") == "open"]
    kept = [note for note in notes if lately(note, "createdAt")]
    met = [event for event in events if lately(event, "start")]
    coming = [event for event in events if (moment_of(event.get("start"), now) or now) > now]
    parts = [f"Your week, {day_said((now - WEEK).date())} to {day_said(now.date())}, put together by rules:"]

    def dated(event: dict[str, Any]) -> str:
        return event_line(event, now, dated=True)

    groups = (
        ("Done", done, _title),
        ("Still open", sorted(left, key=lambda task: _urgency(task, now)), _title),
        ("Noted", kept, _note),
        ("In the calendar", met, dated),
        ("In the next seven days", coming, dated),
    )
    parts += [listed(f"**{head}** ({len(things)})", things, line, SHOWN) for head, things, line in groups if things]
    return "\n\n".join(
        parts if len(parts) > 1 else [*parts, "Nothing was done, noted or in the calendar, and nothing is open."]
    )


def _title(task: dict[str, Any]) -> str:
    return str(task.get("title", ""))


def _note(note: dict[str, Any]) -> str:
    text = " ".join(str(note.get("title") or note.get("text", "")).split())
    return text if len(text) <= 120 else text[:119].rstrip() + "…"


RULES: Final[list[Rule]] = [
    *rule(
        _show_plan,
        r"(?:show|read|tell|give|what is)(?: me)?(?: my| the)? plan(?: for| of)?(?P<x>(?: .+)?)",
        r"(?:zeige?)(?: mir)? meinen (?:tages)?plan(?P<x>(?: .+)?)",
        example="show my plan",
    ),
    *rule(
        _plan,
        (
            r"(?:plan|organi[sz]e)(?: out)?(?: my| the| me)? (?P<x>(?:whole )?day|today|tomorrow|monday|tuesday"
            r"|wednesday|thursday|friday|saturday|sunday)"
        ),
        r"(?:plan|organi[sz]e)(?: my| the)? day (?:for |on )?(?P<x>.+)",
        r"(?:make|create|give|do)(?: me)?(?: a| the| my)?(?: new)? (?:daily |day )?plan(?: for| of)?(?P<x>(?: .+)?)",
        r"(?:a )?plan (?:for|on) (?P<x>.+)",
        r"(?:daily plan|plan)(?P<x>)",
        r"plane?(?: mir)? (?:meinen|den) (?P<x>tag|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)",
        r"plane? (?P<x>morgen|heute|übermorgen)",
        example="plan my day",
    ),
    *rule(
        _week,
        r"(?:summari[sz]e|sum up|recap|review)(?: my| the| this| last)*(?: past)? week",
        (
            r"(?:give|show|tell|make|write)(?: me)?(?: a| the| my)? (?:week(?:ly)? (?:summary|review|recap)"
            r"|(?:summary|review|recap) of (?:my|the|this|last) week)"
        ),
        (
            r"(?:how|what) was my week(?: like)?|week(?:ly)? (?:summary|review|recap)|what (?:did i do|happened) "
            r"(?:this|last) week"
        ),
        r"fasse?(?: mir)? (?:meine|die) woche zusammen|wochenrückblick",
        example="summarise my week",
    ),
]
