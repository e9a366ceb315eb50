"""What was said, twice: as it was, and as the rules read it: lower case, numbers in digits, without punctuation.

Every place of the second leads back to the first, so that titles keep the case and the signs that they were said in.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Final

from inference.rules.words import CARDINALS, LARGE, MONTH_NUMBERS, NUMBERS, RANKS, TENS, ordinal

LONGEST: Final = 600
"""Characters that are read as a command; nobody says a longer one."""

_CONTRACTIONS: Final = {
    **dict.fromkeys(("what's", "whats", "what're"), "what is"),
    "when's": "when is",
    "where's": "where is",
    "who's": "who is",
    "it's": "it is",
    "that's": "that is",
    "how's": "how is",
    "i'm": "i am",
    "i've": "i have",
    "i'll": "i will",
    "let's": "let us",
    "can't": "can not",
    "don't": "do not",
    "o'clock": "oclock",
    "tmrw": "tomorrow",
    "tmr": "tomorrow",
    "tomorow": "tomorrow",
    "tommorow": "tomorrow",
    "a.m": "am",
    "p.m": "pm",
    "&": "and",
    "to-do": "todo",
    "to-dos": "todos",
    "today's": "today",
    "tomorrow's": "tomorrow",
}
_DROPPED: Final = "\"“”„‘'’()[]«»<>"
_ENDINGS: Final = ",;!?.…" + _DROPPED
_GERMAN_PLACE = re.compile(r"\d{1,2}\.\Z")
_HOURS = re.compile(r"(\d{1,2}(?:[:.]\d\d)?)(am|pm)?[-–](\d{1,2}(?:[:.]\d\d)?)(am|pm)?\Z")
_SUM = re.compile(r"[-+*/^(]*\(\d|[\d.,]+\)")
"""Its parentheses belong to it."""

_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)t(\d\d:\d\d)(?::\d\d)?\Z")
_STUCK = re.compile(r"(\d{1,2}(?:[:.]\d\d)?)([ap])\.?m\Z")


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is read, and where it was said. `number`: it was a word that means one."""

    form: str
    start: int
    end: int
    number: int | None = None


class Wording:
    """Words of a text, which may be some of it only."""

    def __init__(self, said: str, words: Sequence[Word]) -> None:
        self.said = said
        self.words = tuple(words)
        self.text = " ".join(word.form for word in words)

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        """Where each word is in `text`."""
        places: list[tuple[int, int]] = []
        at = 0
        for word in self.words:
            places.append((at, at + len(word.form)))
            at += len(word.form) + 1
        return places

    def between(self, start: int, end: int) -> "Wording":
        """The words that lie between two places of `text`."""
        inside = [word for word, (begins, ends) in zip(self.words, self._places, strict=True) if begins < end and ends > start]
        return Wording(self.said, inside)

    def without(self, spans: Sequence[tuple[int, int]]) -> "Wording":
        """The words that none of these places of `text` touches."""
        left = [
            word
            for word, (begins, ends) in zip(self.words, self._places, strict=True)
            if not any(begins < end and ends > start for start, end in spans)
        ]
        return Wording(self.said, left)

    def sentences(self) -> "list[Wording]":
        """One for each sentence or line."""
        sentences: list[list[Word]] = [[]]
        for word, after in zip_longest(self.words, self.words[1:]):
            sentences[-1].append(word)
            gap = self.said[word.end : after.start] if after else ""
            if "\n" in gap or (
                after and self.said[word.start : word.end].endswith((".", "!", "?", ";")) and after.form not in MONTH_NUMBERS
            ):
                sentences.append([])
        return [Wording(self.said, words) for words in sentences if words]

    def unslashed(self) -> "Wording":
        """`/tasks` as `tasks`."""
        first = self.words[0]
        return Wording(self.said, [Word(first.form.removeprefix("/"), first.start + 1, first.end), *self.words[1:]])

    @property
    def original(self) -> str:
        """These words as they were said, with all that stood between neighbours, and tidy at both ends."""
        return tidy(" ".join(self.said[first.start : last.end] for first, last in _runs(self.words, self.said)))

    def less(self, other: "Wording") -> "Wording":
        """Without those words."""
        return Wording(self.said, [word for word in self.words if word not in other.words])

    @property
    def rest_of_text(self) -> str:
        """From the first of these words to the last one, line breaks and all; to the end of what was said, when that is it."""
        if not self.words:
            return ""
        last = self.words[-1].end
        return self.said[self.words[0].start : last if self.said[last:LONGEST].strip() else None].strip()


def wording(said: str) -> Wording:
    """Reads a text, or as much of it as can be a command."""
    words = [_word(match) for match in re.finditer(r"\S+", said[:LONGEST])]
    return Wording(said, list(_merged(_german_places(words, said))))


def tidy(text: str) -> str:
    """Without the punctuation that a sentence or a pair of quotes leaves at the ends."""
    text = text.strip().rstrip(" .,;!?…").lstrip(" ,;.:-–").rstrip(" :")
    for opening, closing in (('"', '"'), ("“", "”"), ("„", "“"), ("'", "'"), ("‘", "’")):
        if len(text) > 1 and text.startswith(opening) and text.endswith(closing):
            return text[1:-1].strip()
    return text


def _word(match: re.Match[str]) -> Word:
    raw = match[0].lower().replace("’", "'")
    form = raw.rstrip("?!=,;") if _SUM.match(raw) else raw.lstrip(_DROPPED).rstrip(_ENDINGS)
    form = form or raw
    if form.endswith(":") and len(form) > 1:
        form = form.rstrip(":") + ":"
    form = _CONTRACTIONS.get(form, form)
    if hours := _HOURS.match(form):
        form = f"{hours[1]}{hours[2] or ''} - {hours[3]}{hours[4] or ''}"
    form = _STAMP.sub(r"\1 \2", _STUCK.sub(r"\1\2m", form))
    return _numbered(form, *match.span())


def _numbered(form: str, start: int, end: int) -> Word:
    ten, _, one = form.partition("-")
    if ten in TENS and one in CARDINALS:
        number = CARDINALS[ten] + CARDINALS[one]
        return Word(str(number), start, end, number)
    if ten in TENS and one in RANKS:
        return Word(ordinal(CARDINALS[ten] + RANKS[one]), start, end)
    if form in NUMBERS:
        number = NUMBERS[form]
        return Word(form if form in LARGE else str(number), start, end, number)
    if form in RANKS and form != "second":  # `a second` is a unit far more often than a place
        return Word(ordinal(RANKS[form]), start, end)
    return Word(form, start, end)


def _german_places(words: Sequence[Word], said: str) -> Iterator[Word]:
    """`am 3.` is a day, which its point says."""
    before = ""
    for word in words:
        raw = said[word.start : word.end]
        if before in {"am", "den", "dem", "vom"} and _GERMAN_PLACE.match(raw):
            yield Word(ordinal(int(word.form)), word.start, word.end)
        else:
            yield word
        before = word.form


def _merged(words: Iterator[Word]) -> Iterator[Word]:
    """`twenty five` is one number, and so are `two hundred` and `twenty first`."""
    held: Word | None = None
    for word in words:
        joined = _joined(held, word) if held else None
        if held and not joined:
            yield held
        held = joined or word
    if held:
        yield held


def _joined(first: Word, second: Word) -> Word | None:
    ten = first.number is not None and first.number % 10 == 0 and 20 <= first.number % 100 <= 90
    if ten and (second.form == "second" or re.fullmatch(r"[1-9](?:st|nd|rd|th)", second.form)):
        return Word(
            ordinal((first.number or 0) + (2 if second.form == "second" else int(second.form[0]))), first.start, second.end
        )
    if first.number is None or second.number is None:
        return None
    number = _sum(first.number, second, ten)
    return None if number is None else Word(str(number), first.start, second.end, number)


def _sum(first: int, word: Word, ten: bool) -> int | None:
    second = word.number or 0
    if word.form in LARGE:
        return first * second if 1 <= first < second else None
    if ten and 1 <= second <= 9:
        return first + second
    if first >= 100 and first % 100 == 0 and 0 < second < (100 if first % 1_000 else 1_000):
        return first + second
    return None


def _runs(words: Sequence[Word], said: str) -> Iterator[tuple[Word, Word]]:
    """First and last word of each piece without a gap."""
    first = last = None
    for word in words:
        if last is not None and first is not None and said[last.end : word.start].strip():
            yield first, last
            first = word
        first, last = first or word, word
    if first is not None and last is not None:
        yield first, last
