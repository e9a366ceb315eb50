"""Tasks: adding, listing and completing them."""

import re
from difflib import SequenceMatcher
from typing import Any, Final

from inference.rules.heard import Ask, Heard, Rule, Said, Script, doubted, noted, rule
from inference.rules.moments import Reading, day_said, read
from inference.rules.shown import due_of, listed
from inference.rules.toolbox import Call
from inference.rules.wording import Wording, tidy, wording

SHOWN: Final = 20
MOST_ITEMS: Final = 10
WHICH: Final = "Which one do you mean? Say its number."
_ALIKE: Final = 0.6
_JOINING: Final = frozenset({"and", "then", "also", "afterwards", "after", "und", "dann", "danach"})
_BETWEEN = re.compile(r"\s*(?:,|;|\n)\s*(?:and\s+)?|\s+and\s+", re.IGNORECASE)


def _add(heard: Heard) -> Script | Said:
    words = heard.words()
    if words.words and words.words[0].form == "to":
        words = Wording(words.said, words.words[1:])
    reading, rest = read(words, heard.now)
    title = (rest if reading else words).original
    if not title:
        return Ask("What is the task?", "add a task:", free=True)
    return (doubted(reading, f"add a task: {title}") if reading else None) or _added(title, reading, heard)


def _added(title: str, reading: Reading | None, heard: Heard) -> Script:
    arguments: dict[str, Any] = {"title": title[:500]}
    if reading:
        arguments["due"] = reading.due
    yield (Call("create_task", arguments),)
    due = f" It is due {reading.said}.{noted(reading)}" if reading else ""
    return f"I added the task **{title}**.{due}"


def _add_to_list(heard: Heard) -> Script | Said:
    """Several things for a list of a name: each is a task with the name as its tag."""
    name = re.sub(r"\b(?:todo|to do|task|tasks)\b", "", heard.words("list").text).strip()
    items = [tidy(item) for item in _BETWEEN.split(heard.said()) if tidy(item)]
    if len(items) > MOST_ITEMS:
        return f"That are {len(items)} things. I add {MOST_ITEMS} at a time."
    tags = {"tags": [name]} if name else {}
    return _added_all(items, name, [Call("create_task", {"title": item[:500], **tags}) for item in items])


def _added_all(items: list[str], name: str, calls: list[Call]) -> Script:
    yield tuple(calls)
    where = f"your {name} list" if name else "your tasks"
    return f"I added to {where}: " + ", ".join(f"**{item}**" for item in items) + "."


def _list(heard: Heard) -> Script:
    reading, _ = heard.when()
    answers = yield (Call("list_tasks", {"status": "open", "limit": 50}),)
    tasks = [task for task in answers[0].listed("tasks", "items") if task.get("status", "open") == "open"]
    if reading is None:
        return listed("Your open tasks:", tasks, _line(heard), SHOWN) if tasks else "You have no open tasks."
    due = [task for task in tasks if _is_due(task, reading, heard)]
    until = f"Due until the end of {reading.said if reading.kind == 'span' else day_said(reading.start.date())}"
    return listed(f"{until}:", due, _line(heard), SHOWN) if due else f"{until}: nothing."


def _is_due(task: dict[str, Any], reading: Reading, heard: Heard) -> bool:
    due = due_of(task.get("due"), heard.now)
    return (
        due is not None
        and due.date() <= max(reading.start, reading.end).date()
        and (due < reading.end or reading.kind == "moment")
    )


def _line(heard: Heard) -> Any:
    def line(task: dict[str, Any]) -> str:
        due = due_of(task.get("due"), heard.now)
        exact = isinstance(task.get("due"), str) and len(task["due"]) > len("2026-01-31")
        when = f" – {day_said(due.date())}{f', {due:%H:%M}' if exact else ''}" if due else ""
        late = " (overdue)" if due and (due < heard.now if exact else due.date() < heard.now.date()) else ""
        return f"{task.get('title', '')}{when}{late}"

    return line


def _complete(heard: Heard) -> Script | Said | None:
    wanted = heard.said()
    return _completed(wanted) if wanted else Ask("Which task is done?", "complete the task", free=True)


def _completed(wanted: str) -> Script:
    answers = yield (Call("list_tasks", {"status": "open", "limit": 100}),)
    tasks = [task for task in answers[0].listed("tasks", "items") if task.get("status", "open") == "open"]
    found = _meant(wanted, tasks)
    if not found:
        return f"I found no open task like “{wanted}”. Say “show my tasks” to see them."
    if len(found) > 1:
        return "\n".join([WHICH, "", *(f"{number}. {task.get('title')}" for number, task in enumerate(found[:9], start=1))])
    yield (Call("complete_task", {"taskId": found[0].get("id")}),)
    return f"Done: **{found[0].get('title')}**."


def _meant(wanted: str, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tasks that these words may mean: by number, by the very title, by its words, or by likeness."""
    if re.fullmatch(r"(?:number |no\.? |#)?\d{1,3}", wanted):
        place = int(re.sub(r"\D", "", wanted))
        return tasks[place - 1 : place] if place else []
    titles = [str(task.get("title", "")).lower() for task in tasks]
    low = wanted.lower()
    if low in titles:
        return [tasks[titles.index(low)]]
    for likeness in (_within, _worded):
        if found := [task for task, title in zip(tasks, titles, strict=True) if likeness(low, title)]:
            return found
    ratios = [SequenceMatcher(None, low, title).ratio() for title in titles]
    best = max(ratios, default=0.0)
    return [tasks[ratios.index(best)]] if best >= _ALIKE else []


def _within(wanted: str, title: str) -> bool:
    return wanted in title


def _worded(wanted: str, title: str) -> bool:
    return set(wanted.split()) <= set(re.findall(r"[^\W_]+", title))


def which(answer: str, said: str) -> str | None:
    """The sentence that is meant by a number, after we asked which of several tasks."""
    number = re.fullmatch(r"(?:number |the )?(\d{1,2})(?:st|nd|rd|th)?(?: 1| one)?", wording(answer).text)
    lines = dict(re.findall(r"^(\d)\. (.+)$", said, re.MULTILINE))
    if not number or number[1] not in lines or WHICH not in said:
        return None
    # Of a title that somebody else may have written, words only: nothing in it begins another command (S9).
    words = re.findall(r"[^\W_]+", lines[number[1]])
    return "complete the task " + " ".join(word for word in words if word.lower() not in _JOINING)


_TASK = r"(?:tasks?|todos?|to dos?)"
RULES: Final[list[Rule]] = [
    *rule(
        _add_to_list,
        r"(?:add|put) (?P<x>.+?) (?:to|on|onto) (?:my|the|our) (?P<list>(?:[^ ]+ ){0,2})list",
        r"(?:setze?|schreibe?|pack) (?P<x>.+?) auf (?:meine|die) (?P<list>[^ ]+?)liste",
        example="add milk and bread to my shopping list",
    ),
    *rule(
        _add,
        rf"(?:add|create|make|new|put)(?: me)?(?: a| an| another| the)?(?: new)? {_TASK}:? (?P<x>.+)",
        rf"(?:add|put) (?P<x>.+?) (?:to|on|onto) (?:my |the )?{_TASK}",
        r"(?:task|todo|to do|aufgabe): (?P<x>.+)",
        r"(?:neue aufgabe|aufgabe hinzufügen):? (?P<x>.+)",
        r"i (?:must not forget|should remember|must remember) to (?P<x>.+)",
        example="add a task: send the report by Friday",
    ),
    *rule(_add, rf"(?:add|create|new)(?: a| an)?(?: new)? {_TASK}(?P<x>)"),
    *rule(
        _list,
        (
            rf"(?:show|list|read|give|tell|get)(?: me)?(?: all)?(?: of)?(?: my| the)?(?: open| current"
            rf"| pending)? {_TASK}(?: list)?(?P<x>(?: .+)?)"
        ),
        rf"(?:what are|which are|what is on)(?: my| the)?(?: open| current)? {_TASK}(?: list)?(?P<x>)",
        rf"(?:my )?(?:open )?{_TASK}(?: list)?(?P<x>)",
        r"what is due(?P<x>(?: .+)?)",
        r"what (?:do i (?:have|need) to do|should i do|is left to do)(?P<x>(?: .+)?)",
        r"(?:zeige?|was sind)(?: mir)? meine (?:offenen )?aufgaben(?P<x>)",
        example="show my tasks",
    ),
    *rule(
        _complete,
        rf"(?:complete|finish|tick off|check off|close)(?: the| my)?(?: {_TASK})?:? (?P<x>.+)",
        rf"(?:mark|set)(?: the)?(?: {_TASK})? (?P<x>.+?)(?: as)? (?:done|completed?|finished)",
        r"(?:i (?:have )?(?:did|done|finished|completed)|i am done with|done with|done:) (?P<x>.+)",
        rf"(?:{_TASK}|number) (?P<x>.+?) is (?:done|completed?|finished)",
        r"(?P<x>.+) (?:ist )?erledigt",
        example="complete the task send the report",
    ),
]
