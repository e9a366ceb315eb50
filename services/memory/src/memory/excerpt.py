"""What is shown of something found: a piece of its text around the best place, and where the matches are in it."""

import re
from collections.abc import Sequence

from memory.query import fold_with_places

AROUND, LENGTH, READ = 60, 200, 65_536
"""Characters before the first match, of the whole, and that are looked through."""

MARK = "…"


def excerpt(text: str, patterns: Sequence[re.Pattern[str]]) -> tuple[str, list[list[int]]]:
    """A snippet and its highlights, by the first of the patterns that matches; the text's beginning when none does."""
    text = text[:READ]
    folded, places = fold_with_places(text)
    for pattern in patterns:
        matches = [_original(places, found) for found in pattern.finditer(folded) if found[0]]
        if matches:
            return _around(text, matches)
    return _around(text, [])


def _original(places: Sequence[int], found: re.Match[str]) -> tuple[int, int]:
    return places[found.start()], places[found.end() - 1] + 1


def _around(text: str, matches: Sequence[tuple[int, int]]) -> tuple[str, list[list[int]]]:
    start = _start(text, _densest(matches))
    end = min(len(text), start + LENGTH)
    head = MARK if start else ""
    snippet = head + text[start:end] + (MARK if end < len(text) else "")
    shift = len(head) - start
    return snippet, [[a + shift, b + shift] for a, b in matches if a >= start and b <= end]


def _densest(matches: Sequence[tuple[int, int]]) -> int:
    """The first match of the place with the most of them."""
    if not matches:
        return 0
    count = [sum(a <= b < a + LENGTH - AROUND for b, _ in matches[place : place + 32]) for place, (a, _) in enumerate(matches)]
    return matches[max(range(len(count)), key=count.__getitem__)][0]


def _start(text: str, match: int) -> int:
    """Where the snippet begins: some way before the match, at the beginning of a word."""
    if match <= AROUND:
        return 0
    space = text.find(" ", match - AROUND, match)
    return match - AROUND if space < 0 else space + 1
