"""Text as search sees it: folded, cut into words; and what a person types: any text, of which only quotes are syntax.

Scripts without spaces between words (CJK) are cut into pairs of characters, each of which is a word of the index.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

MOST_TERMS = 16
LONGEST_WORD = 64
"""Longer ones are cut, in what is indexed and in what is asked alike."""

_CJK = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
# Marks of Indic and Thai scripts belong to their words, though Python doesn't count them as letters.
_RUNS = re.compile(rf"([{_CJK}]+)|((?:(?![{_CJK}])(?:[^\W_]|[\u0900-\u0dff\u0e00-\u0eff]))+)")
_ASCII_RUNS = re.compile(r"()([^\W_]+)", re.ASCII)
_QUOTED = re.compile(r'"([^"]*)"')
# Japanese voicing is a mark in Unicode, but another letter to a reader.
_LETTERS = "\u3099\u309a"


@lru_cache(maxsize=65536)
def _folded(character: str) -> str:
    parts = unicodedata.normalize("NFKD", character).casefold()
    kept = "".join(part for part in parts if part in _LETTERS or unicodedata.category(part) != "Mn")
    return unicodedata.normalize("NFC", kept)


def fold(text: str) -> str:
    """Without case and diacritics. Each character is folded by itself, so that places can be found again."""
    return text.lower() if text.isascii() else "".join(map(_folded, text))


def fold_with_places(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its characters the place of the one it came from."""
    if text.isascii():
        return text.lower(), list(range(len(text)))
    pieces = [_folded(character) for character in text]
    return "".join(pieces), [place for place, piece in enumerate(pieces) for _ in piece]


@dataclass(frozen=True, slots=True)
class Run:
    """Characters that belong together: a word, or a stretch of CJK."""

    text: str
    cjk: bool

    @property
    def words(self) -> tuple[str, ...]:
        """As they are in the index: a stretch of CJK is its pairs."""
        if not self.cjk or len(self.text) == 1:
            return (self.text[:LONGEST_WORD],)
        return tuple(self.text[place : place + 2] for place in range(len(self.text) - 1))


def _stretches(folded: str) -> list[tuple[str, str]]:
    """Each either CJK or a word, and the other one empty."""
    return (_ASCII_RUNS if folded.isascii() else _RUNS).findall(folded)


def _runs(text: str) -> Iterable[Run]:
    return [Run(cjk or word, bool(cjk)) for cjk, word in _stretches(fold(text))]


def indexed_words(text: str) -> list[str]:
    """The words that a text is found by, in their order. The last character of a stretch of CJK is a word as well: each can be
    asked for alone, as the beginning of a pair."""
    words: list[str] = []
    for cjk, word in _stretches(fold(text)):
        if not cjk:
            words.append(word[:LONGEST_WORD])
        else:
            words += [cjk[place : place + 2] for place in range(len(cjk))]
    return words


@dataclass(frozen=True, slots=True)
class Term:
    """Runs that follow each other."""

    runs: tuple[Run, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """All words of it, in their order."""
        return tuple(word for run in self.runs for word in run.words)

    @property
    def is_start(self) -> bool:
        """One character of CJK: it stands for every pair that begins with it."""
        return len(self.runs) == 1 and self.runs[0].cjk and len(self.runs[0].text) == 1

    def pattern(self, *, loose: bool) -> str:
        """A regular expression for folded text; `loose` finds it inside of words too."""
        inner = r"[\W_]*".join(re.escape(run.text[:LONGEST_WORD] if not run.cjk else run.text) for run in self.runs)
        if loose:
            return inner
        before = "" if self.runs[0].cjk else r"(?<![^\W_])"
        after = "" if self.runs[-1].cjk or len(self.runs[-1].text) > LONGEST_WORD else r"(?![^\W_])"
        return before + inner + after


@dataclass(frozen=True, slots=True)
class Query:
    """All terms have to be found."""

    terms: tuple[Term, ...]

    def pattern(self, *, loose: bool) -> re.Pattern[str]:
        """Finds any of the terms in folded text; the longest first, where several begin at one place."""
        longest_first = sorted(self.terms, key=lambda term: -sum(len(run.text) for run in term.runs))
        return re.compile("|".join(term.pattern(loose=loose) for term in longest_first))

    @property
    def parts(self) -> tuple[str, ...] | None:
        """The runs as they may stand inside of longer words, or None where one is too short to be looked for so."""
        runs = [run.text[:LONGEST_WORD] for term in self.terms for run in term.runs]
        return tuple(runs) if runs and all(len(run) >= 3 for run in runs) else None


def parse(text: str) -> Query:
    """What was typed as a query: "quoted" words follow each other, all others are looked for by themselves."""
    terms: list[Term] = []
    for place, piece in enumerate(_QUOTED.split(text)):
        runs = tuple(_runs(piece))
        if place % 2:
            terms += [Term(runs)] if runs else []
        else:
            terms += [Term((run,)) for run in runs]
    return Query(tuple(dict.fromkeys(terms))[:MOST_TERMS])
