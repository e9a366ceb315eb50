"""Texts as PostgreSQL can hold them: every character but NUL, which is written with two others in its place (F35)."""

from collections.abc import Sequence
from typing import Any

_NUL = "\0"
# No character, and never will be one: https://www.unicode.org/faq/private_use.html#noncharacters
_MARK = "\U0010ffff"
_KEPT_NUL, _KEPT_MARK = _MARK + "0", _MARK + "1"


def kept(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """What is given to the database."""
    if any(isinstance(value, str) and (_NUL in value or _MARK in value) for value in values):
        return tuple([_kept(value) if isinstance(value, str) else value for value in values])
    return values


def given(values: Sequence[Any]) -> Sequence[Any]:
    """The inverse of `kept`."""
    if any(isinstance(value, str) and _MARK in value for value in values):
        return [_given(value) if isinstance(value, str) else value for value in values]
    return values


def _kept(text: str) -> str:
    return text.replace(_MARK, _KEPT_MARK).replace(_NUL, _KEPT_NUL)


def _given(text: str) -> str:
    return text.replace(_KEPT_NUL, _NUL).replace(_KEPT_MARK, _MARK)
