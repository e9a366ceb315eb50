"""Reminders, alarms and timers: tasks that are due at a moment, and schedules where it comes again and again."""

import re
from typing import Any, Final

from inference.rules.heard import Ask, Heard, Rule, Said, Script, doubted, noted, rule
from inference.rules.moments import Reading, read
from inference.rules.toolbox import Call
from inference.rules.wording import Wording, wording

TAG: Final = "reminder"
BELL: Final = "start_workflow"
"""The tool that begins the workflow `reminder`."""

_LEAD = re.compile(r"(?:to|about|that|of|daran|an|dass)\Z")


def _remind(heard: Heard) -> Script | Said:
    reading, rest = heard.when()
    title = _without_lead(rest).original
    if not title:
        when = f" {heard.said()}" if reading else ""
        return Ask("What shall I remind you of?", f"remind me{when} to", free=True)
    return _reminder(heard, reading, title, f"remind me to {title}", f"When shall I remind you to {title}?")


def _wake(heard: Heard) -> Script | Said:
    reading, _ = read(wording(f"wake {heard.said()}"), heard.now)
    return _reminder(heard, reading, "Wake up", "wake me up", "When shall I wake you?")


def _timer(heard: Heard) -> Script | Said:
    """What is measured is no title: `set a timer for 10 minutes`, `set an alarm for 7`."""
    kind, said = heard.match["kind"], heard.said()
    long = re.match(r"(?:\d|an? |half )[^:]*[a-z]", heard.words().text) and not re.search(r"[ap]m\b|oclock", heard.words().text)
    lead = "in" if long else "wake at" if heard.words().text[:1].isdigit() else "wake"
    reading, _ = read(wording(f"{lead} {said}"), heard.now)
    return _reminder(heard, reading, kind.capitalize(), f"set a {kind} for", f"For when shall I set the {kind}?")


def _without_lead(rest: Wording) -> Wording:
    while rest.words and _LEAD.match(rest.words[0].form):
        rest = Wording(rest.said, rest.words[1:])
    return rest


def _reminder(heard: Heard, reading: Reading | None, title: str, again: str, question: str) -> Script | Said:
    if reading is None:
        return Ask(question, again)
    return doubted(reading, again) or _kept(heard, reading, title)


def _kept(heard: Heard, reading: Reading, title: str) -> Script:
    """A task that is due then; and work in the background that tells of it, as long as the task is open."""
    if reading.cron and BELL in heard.tools:
        yield (Call(BELL, _bell(title, cron=reading.cron, timezone=reading.zone)),)
        return f"I will remind you: **{title}** – {reading.said}.{noted(reading)}"
    arguments: dict[str, Any] = {"title": title[:500], "due": reading.due, "tags": [TAG]}
    answers = yield (Call("create_task", arguments),)
    if reading.cron:
        return (
            f"I put down the first one: **{title}** – {reading.said}.{noted(reading)} "
            "I can't repeat it here: complete it and say it again."
        )
    if reading.kind == "moment" and BELL in heard.tools:
        task = answers[0].mapping.get("id")
        yield (Call(BELL, _bell(title, at=reading.start.isoformat(), taskId=task), may_fail=True),)
    return f"I will remind you: **{title}** – {reading.said}.{noted(reading)}{_no_time(reading)}"


def _bell(title: str, **when: Any) -> dict[str, Any]:
    given = {name: value for name, value in when.items() if value is not None}
    return {"type": "reminder", "params": {"text": title[:500], **given}}


def _no_time(reading: Reading) -> str:
    return "" if reading.kind == "moment" else " You named no time, so it is due on that day."


RULES: Final[list[Rule]] = [
    *rule(
        _remind,
        r"(?:remind|remember) me(?: please)? (?P<x>.+)",
        r"(?:set|create|add|make)(?: me)?(?: a| another)? (?:daily |new )?reminder (?P<x>.+)",
        r"(?:do not|don't) (?:let me )?forget (?P<x>.+)",
        r"reminder:? (?P<x>.+)",
        r"(?:erinnere?|erinner) mich(?: bitte)? (?P<x>.+)",
        example="remind me to call John tomorrow at 9",
    ),
    *rule(_remind, r"(?:remind me|(?:set|create|add|make)(?: a)? reminder|reminder)(?P<x>)"),
    *rule(_wake, r"(?:wake me(?: up)?|weck mich)(?P<x>(?: .+)?)"),
    *rule(
        _timer,
        r"(?:set|start|create)(?: me)?(?: a| an| the)? (?P<kind>timer|alarm)(?: for| to| in| at)?(?P<x>(?: .+)?)",
        r"(?P<kind>timer|alarm)(?: for| in| at)?(?P<x> .+)",
        example="set a timer for 10 minutes",
    ),
]
