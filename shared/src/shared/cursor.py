"""A place in a user's feed, as clients carry it."""

import re
from dataclasses import dataclass
from datetime import datetime

from shared.errors import BadCursor

_FORM = re.compile(r"([0-9a-z]{1,16})-([0-9]{1,18})", re.ASCII)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a user's feed: the incarnation of its stream (when it was created), and a sequence in it."""

    incarnation: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.incarnation}-{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Reads what a client sends back. Raises BadCursor."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise BadCursor
        return cls(found[1], int(found[2]))


def incarnation_of(created: str) -> str:
    """The name of a stream's incarnation: when it was created, in microseconds, in base 36. Takes RFC 3339."""
    moment, _, fraction = created.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(moment + "+00:00").timestamp())
    return _base36(seconds * 1_000_000 + int(fraction.ljust(6, "0")[:6] or 0))


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
