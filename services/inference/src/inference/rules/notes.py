"""Notes, facts to remember, and searching through what was said and noted."""

import re
from typing import Any, Final

from inference.rules.heard import Ask, Heard, Rule, Said, Script, rule
from inference.rules.shown import listed, moment_of
from inference.rules.toolbox import Call

SHOWN: Final = 10
EXCERPT: Final = 200
MOST_CHARACTERS: Final = 20_000


def _note(heard: Heard) -> Script | Said:
    text = heard.words().rest_of_text
    text = text.lstrip(": \t") if text else ""
    return _noted(text) if text else Ask("What shall I note?", "note:", free=True)


def _noted(text: str) -> Script:
    yield (Call("create_note", {"text": text[:MOST_CHARACTERS]}),)
    return f"Noted:\n\n{_quoted(text)}"


def _quoted(text: str) -> str:
    lines = text[:1_000].splitlines() or [""]
    return "\n".join(f"> {line}" for line in lines) + ("\n> …" if len(text) > 1_000 else "")


def _remember(heard: Heard) -> Script:
    text = heard.words().rest_of_text
    if "pin_memory" in heard.tools:
        key = "-".join(re.findall(r"[a-z0-9äöüß]+", heard.words().text))[:60] or "fact"
        yield (Call("pin_memory", {"type": "fact", "key": key, "value": text[:2_000]}),)
        return f"I will remember that:\n\n{_quoted(text)}"
    return (yield from _noted(text))


def _list(heard: Heard) -> Script:
    answers = yield (Call("list_notes", {"limit": 50}),)
    notes = answers[0].listed("notes", "items")
    return listed("Your notes, the newest first:", notes, _line, SHOWN) if notes else "You have no notes."


def _search(heard: Heard) -> Script | Said:
    query = heard.said()
    if not query:
        return Ask("What shall I look for?", "search for", free=True)
    what = heard.match.groupdict().get("what") or ""
    return _searched(heard, query, notes_only=what.startswith(("note", "notiz", "writ", "wrote", "save")))


def _searched(heard: Heard, query: str, *, notes_only: bool) -> Script:
    """By the search over everything where there is one; notes are looked through by their words."""
    if notes_only and "list_notes" in heard.tools:
        answers = yield (Call("list_notes", {"limit": 200}),)
        words = query.lower().split()
        notes = answers[0].listed("notes", "items")
        found = [note for note in notes if all(word in f"{note.get('title')} {note.get('text')}".lower() for word in words)]
        return listed(f"Notes about “{query}”:", found, _line, SHOWN) if found else f"I found no note about “{query}”."
    answers = yield (Call("search_memory", {"query": query, "limit": 10}),)
    hits = answers[0].listed("hits", "results", "items")
    return listed(f"Found for “{query}”:", hits, _hit(heard), SHOWN) if hits else f"I found nothing about “{query}”."


def _line(note: dict[str, Any]) -> str:
    title = f"**{note['title']}** – " if note.get("title") else ""
    return title + _cut(str(note.get("text", "")))


def _hit(heard: Heard) -> Any:
    def line(hit: dict[str, Any]) -> str:
        text = next((str(hit[key]) for key in ("snippet", "excerpt", "text", "title") if hit.get(key)), "")
        at = moment_of(hit.get("createdAt") or hit.get("at"), heard.now)
        return f"“{_cut(re.sub(r'</?mark>', '', text))}”" + (f" – {at.date().isoformat()}" if at else "")

    return line


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1].rstrip() + "…"


RULES: Final[list[Rule]] = [
    *rule(
        _note,
        (
            r"(?:take|make|save|write|add|create|jot)(?: down)?(?: me)?(?: a| an)?(?: new| quick"
            r"| short)? note(?: that| to self| down)?:? (?P<x>.+)"
        ),
        r"(?:note|memo)(?: to self| that)?:? (?P<x>.+)",
        r"(?:write|jot|note) (?:this |that )?down:? (?P<x>.+)",
        r"(?:notiz|notiere|notier|merke|merk dir)(?: bitte)?:? (?P<x>.+)",
        example="note: the door code is in the safe",
    ),
    *rule(_note, r"(?:(?:take|make|write|add|create) )?(?:a )?(?:new )?note:?(?P<x>)"),
    *rule(_remember, r"remember:? (?:that )?(?!when|what|how|me\b)(?P<x>.+)", example="remember that my bike is blue"),
    *rule(
        _list,
        r"(?:show|list|read|give|get|tell)(?: me)?(?: all)?(?: of)?(?: my| the)?(?: last| latest| recent)? notes",
        r"(?:what are )?(?:my )?notes",
        r"(?:zeige?|lies)(?: mir)? meine notizen",
        example="show my notes",
    ),
    *rule(
        _search,
        (
            r"(?:search|find|look|show)(?: me)?(?: in| through)?(?: all)?(?: of)?(?: my| the)? "
            r"(?P<what>notes?)(?: for| about| with| on| that mention)? (?P<x>.+)"
        ),
        r"what (?:did i|have i) (?P<what>noted?|write|written|saved?) about (?P<x>.+)",
        r"what did i (?P<what>say|tell you) about (?P<x>.+)",
        (
            r"(?:search|look up|look|find)(?: (?P<what>memory|everything|history|chats?|conversations?))?(?: for"
            r"| about)? (?P<x>.+)"
        ),
        r"(?:suche?|finde)(?: (?P<what>notizen))?(?: nach| über)? (?P<x>.+)",
        example="search my notes for door code",
    ),
]
