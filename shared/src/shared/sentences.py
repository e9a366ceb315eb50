"""Text as it is spoken: without the marks that are for the eye, cut into sentences while it is still being written."""

import re
from typing import Final

FENCE: Final = "```"
SHORTENED: Final = frozenset(
    {"mr", "mrs", "ms", "dr", "prof", "st", "no", "vs", "etc", "e.g", "i.e", "ca", "approx", "fig", "jr", "sr"}
)
LEAST: Final = 10
"""Characters a sentence has at least: `Yes.` is said together with what follows it."""

_END = re.compile(r"[.!?…]+[\"')\]”’]*\s|[。！？]")
_LINK = re.compile(r"!?\[([^\]\[]{0,500})\]\([^()\s]{0,2000}\)")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+")
_HEAD = re.compile(r"^\s{0,8}(?:#{1,6}\s+|>\s?|[-*+]\s+|\d{1,3}[.)]\s+)")
_MARKS = re.compile(r"[*_~`#|<>]+")
_INSIDE = re.compile(r"(?<=\w)_(?=\w)")
_RULE = re.compile(r"^[\s|:*_=-]*$")
_PICTURES = re.compile(r"[\u2190-\u2bff\ufe0f\u200d\U0001f000-\U0001faff]+")
_SPACES = re.compile(r"\s+")


def speakable(line: str) -> str:
    """A line of Markdown as one would read it aloud."""
    if _RULE.match(line):
        return ""
    line = _HEAD.sub("", line)
    line = _ADDRESS.sub("a link", _LINK.sub(r"\1", line))
    line = _PICTURES.sub(" ", line.replace("|", ", ") if line.count("|") > 1 else line)
    return _SPACES.sub(" ", _MARKS.sub("", _INSIDE.sub(" ", line))).strip(" ,")


class Sentences:
    """Takes text as it comes, and gives its sentences as soon as they are whole; none longer than `most` characters."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rest = ""
        self._code = False

    def feed(self, text: str) -> list[str]:
        """The sentences that are whole now."""
        self._rest += text
        found: list[str] = []
        while "\n" in self._rest:
            line, _, self._rest = self._rest.partition("\n")
            found += self._line(line)
        if not self._code and not self._rest.lstrip().startswith(("`", "|")):
            whole, self._rest = _cut(self._rest)
            found += [sentence for one in (*whole, *self._overlong()) for sentence in self._said(one)]
        return found

    def _overlong(self) -> list[str]:
        """Parts of a sentence that is longer than one can be already; the rest of it is still to come."""
        parts: list[str] = []
        while len(self._rest) > self._most:
            place = _place(self._rest, self._most)
            parts.append(self._rest[:place])
            self._rest = self._rest[place:]
        return parts

    def close(self) -> list[str]:
        """What is left."""
        line, self._rest = self._rest, ""
        return self._line(line)

    def _line(self, line: str) -> list[str]:
        if line.lstrip().startswith(FENCE):
            self._code = not self._code
            return []
        if self._code:
            return []
        whole, rest = _cut(line)
        return [sentence for one in (*whole, rest) for sentence in self._said(one)]

    def _said(self, sentence: str) -> list[str]:
        """In parts that are short enough, cut where a comma is, else where a space is."""
        text, parts = speakable(sentence), list[str]()
        while len(text) > self._most:
            place = _place(text, self._most)
            parts.append(text[:place].strip())
            text = text[place:].strip()
        return [part for part in (*parts, text) if any(letter.isalnum() for letter in part)]


def sentences(text: str, most: int) -> list[str]:
    """All sentences of a text."""
    cutting = Sentences(most)
    return [*cutting.feed(text), *cutting.close()]


def _place(text: str, most: int) -> int:
    """Where to cut a text that is too long: behind a comma, else behind a space, else anywhere."""
    comma = max(text.rfind(", ", 0, most), text.rfind("; ", 0, most)) + 1
    return comma or text.rfind(" ", 0, most) + 1 or most


def _cut(text: str) -> tuple[list[str], str]:
    """The whole sentences at the beginning, and the rest."""
    found: list[str] = []
    start = 0
    for end in _END.finditer(text):
        if end.end() - start >= LEAST and not _is_short_form(text[start : end.start()]):
            found.append(text[start : end.end()])
            start = end.end()
    return found, text[start:]


def _is_short_form(before: str) -> bool:
    """Whether the full stop belongs to the word before it."""
    word = before.rsplit(None, 1)[-1].lower().strip("(\"'") if before.strip() else ""
    return word in SHORTENED or (len(word) == 1 and word.isalpha()) or (word.isdecimal() and before.strip() == word)
