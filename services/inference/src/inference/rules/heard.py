"""What a rule is given, and what it may answer: words, a question, or a script that calls tools and tells of their results."""

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from inference.rules.moments import Reading, read
from inference.rules.toolbox import Answers, Call, Toolbox
from inference.rules.wording import Wording


class Ask(NamedTuple):
    """A question to the person. What they answer is put behind `again`, and that is understood as if they had said it; `yes`
    is what is understood when they only agree. `free`: any words are an answer, not only a time."""

    question: str
    again: str
    yes: str = ""
    free: bool = False


Said = str | Ask
Script = Generator[tuple[Call, ...], Answers, Said]
"""Runs from its beginning in every round, and is given again what its earlier calls have come to."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A clause that a rule matches. `now` is in the person's timezone."""

    match: re.Match[str]
    wording: Wording
    now: datetime
    tools: Toolbox

    def words(self, name: str = "x") -> Wording:
        """The words of a group; none when it took no part."""
        start, end = self.match.span(name)
        return self.wording.between(start, end) if start >= 0 else Wording(self.wording.said, ())

    def said(self, name: str = "x") -> str:
        """The words of a group as they were said."""
        return self.words(name).original

    def when(self, name: str = "x", day: date | None = None) -> tuple[Reading | None, Wording]:
        """The time that a group speaks of, and what else it says."""
        return read(self.words(name), self.now, day)


def doubted(reading: Reading, again: str) -> Ask | None:
    """The question to ask before something is written at a time that was badly guessed."""
    if not reading.serious:
        return None
    if "past" in reading.doubts:
        return Ask(f"{reading.said} is in the past. When do you mean?", again)
    at = f" at {reading.start:%H:%M}" if reading.kind == "moment" else ""
    long = f" for {int(reading.length.total_seconds() // 60)} minutes" if reading.length else ""
    yes = f"{again} on {reading.start.date().isoformat()}{at}{long}"
    return Ask(f"Do you mean {reading.said}? {reading.explained} Say yes, no, or another time.", again, yes)


def noted(reading: Reading) -> str:
    """What was guessed, to stand behind a sentence."""
    return f" {reading.explained}" if reading.explained else ""


Act = Callable[[Heard], "Script | Said | None"]
"""None: the rule does not apply after all."""


class Rule(NamedTuple):
    """What is said in this way is answered so. `example` is shown to people who don't know what to say."""

    pattern: re.Pattern[str]
    act: Act
    example: str = ""


def rule(act: Act, *patterns: str, example: str = "") -> list[Rule]:
    """The rules for several ways to say the same; each pattern has to match all that was said."""
    return [Rule(re.compile(pattern), act, "" if number else example) for number, pattern in enumerate(patterns)]
