"""Finds what is meant: one command, or several one after the other, or the answer to a question of ours."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from inference.rules import calendar, demo, flights, notes, plans, reminders, sums, talk, tasks, work
from inference.rules.heard import Ask, Heard, Rule, Said, Script
from inference.rules.moments import read
from inference.rules.toolbox import Toolbox
from inference.rules.wording import LONGEST, Wording, wording

RULES: Final[tuple[Rule, ...]] = (
    *demo.RULES,
    *talk.RULES,
    *flights.RULES,
    *reminders.RULES,
    *work.RULES,
    *plans.RULES,
    *tasks.RULES,
    *sums.RULES,
    *calendar.RULES,
    *notes.RULES,
)
"""Asked in this order: what is more particular comes first."""

EXAMPLES: Final = tuple(each.example for each in RULES if each.example)
MOST_CLAUSES: Final = 8

_BEFORE = re.compile(
    r"(?:please|bitte|hey|ok|okay|hi|hello|hallo|now|also|so|well|and|then|colloquy|assistant|can you|could you|would you"
    r"|will you|can i|i want you to|i would like(?: you)? to|i want to|i need you to|let us|kannst du|könntest du|ich möchte)"
    r"(?: (?:please|bitte))? "
)
_AFTER = re.compile(r" (?:please|bitte|thanks|thank you|danke|for me)\Z")
_JOINT = re.compile(
    r" (?:and then|and also|then also|then|after that|afterwards|und dann|danach|und danach) "
    r"| and (?=(?:please )?(?:remind me|add|create|schedule|show|note|take a note|make a note|find flights|plan my|summari[sz]e"
    r"|set an?|what is|tell me|mark|complete|save|book|am i) )"
)
_WHOLE = re.compile(
    r"(?:/echo|(?:(?:take|make|save|write|add|create) (?:a |an )?)?(?:note|notiz|memo|remember)(?: to self| that)?:)(?: |\Z)"
)
_BARE_TIME = re.compile(r"\d{1,2}(?:[:. ]\d\d)?(?: ?(?:am|pm|uhr|oclock))?")
_YES = re.compile(rf"{talk.YES}\Z")
_NO = re.compile(rf"{talk.NO}\Z")
CANCELLED: Final = "All right: nothing was done."


@dataclass(frozen=True, slots=True)
class Understood:
    """What to do or say, in order. Empty when nothing was understood."""

    answers: tuple["Script | Said", ...]

    @property
    def question(self) -> Ask | None:
        """The last question to the person, if one is asked before any tool is called."""
        return next((answer for answer in reversed(self.answers) if isinstance(answer, Ask)), None)


def understood(text: str, now: datetime, tools: Toolbox) -> Understood:
    """What this text means by itself."""
    said = wording(text)
    if len(text) > LONGEST and not _WHOLE.match(said.text):
        return Understood(())
    clauses = _clauses(said)
    if 1 < len(clauses) <= MOST_CLAUSES:
        answers = [_one(clause, now, tools) for clause in clauses]
        if all(answer is not None for answer in answers):
            return Understood(tuple(answer for answer in answers if answer is not None))
    answer = _one(said, now, tools)
    return Understood(() if answer is None else (answer,))


def _one(clause: Wording, now: datetime, tools: Toolbox) -> "Script | Said | None":
    for plain in _plain(clause):
        if re.fullmatch(talk.HELP, plain.text):
            return talk.help_of(EXAMPLES)
        for each in RULES:
            match = each.pattern.fullmatch(plain.text)
            answer = each.act(Heard(match, plain, now, tools)) if match else None
            if answer is not None:
                return answer
    return None


def _plain(clause: Wording) -> Iterator[Wording]:
    """As it is, and without what is only polite."""
    yield clause
    start, end, text = 0, len(clause.text), clause.text
    while match := _BEFORE.match(text, start):
        start = match.end()
    while match := _AFTER.search(text, start, end):
        end = match.start()
    if text.startswith("/"):
        yield clause.unslashed()
    elif (start, end) != (0, len(text)) and start < end:
        yield clause.between(start, end)


def _clauses(said: Wording) -> list[Wording]:
    """Its parts: sentences, and what `and then` divides. A note is taken as it is."""
    if _WHOLE.match(said.text):
        return [said]
    return [clause for sentence in said.sentences() for clause in _parts(sentence) if clause.words]


def _parts(sentence: Wording) -> Iterator[Wording]:
    start = 0
    for match in _JOINT.finditer(sentence.text):
        yield sentence.between(start, match.start())
        start = match.end()
    yield sentence.between(start, len(sentence.text))


# --- questions of ours and their answers ---------------------------------------------------------------------------------


def meant(text: str, ask: Ask | None, answer: str) -> str | None:
    """What is to be understood when this is said after `answer`, in which we asked `ask`. None: the person wants nothing."""
    if ask is None:
        return tasks.which(text, answer) or text
    said = wording(text).text
    if _NO.match(said):
        return None
    if _YES.match(said):
        return ask.yes or ask.again
    at = "at " if _BARE_TIME.fullmatch(said) and not ask.free else ""
    return f"{ask.again} {at}{text.strip()}"


def answers_it(text: str, ask: Ask, now: datetime, tools: Toolbox) -> bool:
    """Whether this answers the question, and is not a command of its own."""
    said = wording(text)
    if ask.free or _NO.match(said.text) or _YES.match(said.text):
        return True
    reading, rest = read(said, now)
    return (
        bool((reading or _BARE_TIME.fullmatch(said.text)) and len(rest.words) <= 2) or not understood(text, now, tools).answers
    )
