"""Values of any shape that somebody else made up, and how they are kept: as JSON, within limits."""

import json
from typing import Any, cast

from shared.errors import Invalid, TooLarge

DEPTH = 16
"""How deep a value may be nested."""


def stored(value: Any, limit: int, what: str) -> str:
    """The value as JSON of at most this many bytes of UTF-8. Raises TooLarge; Invalid when it is no JSON or too deep."""
    if too_deep(value, DEPTH):
        raise Invalid(f"{what} is nested too deeply: {DEPTH} levels are the most.", limit=DEPTH)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:  # not a finite number, or one with more than 4,300 digits
        raise Invalid(f"{what} has a number in it that can't be kept.") from None
    size = len(text.encode())
    if size > limit:
        raise TooLarge(f"{what} is too long.", size=size, limit=limit)
    # In ASCII, because PostgreSQL's text has no U+0000 and JSON's escape of it has nothing special.
    return json.dumps(value, separators=(",", ":"))


def too_deep(value: Any, levels: int) -> bool:
    """Whether lists and objects lie in each other more than this deep."""
    layer = [value]
    for _ in range(levels + 1):
        layer = [inner for outer in layer for inner in _inside(outer)]
        if not layer:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(cast("dict[str, Any]", value).values())
    return cast("list[Any]", value) if isinstance(value, list) else []
