"""Cursors of lists: opaque to clients, a place in an order to us."""

import re

from shared.errors import BadCursor

LIMIT = 500
"""No page holds more, whatever is asked for."""

_CONVERSATIONS = re.compile(r"([0-9]{1,18})\.([A-Za-z0-9_-]{1,64})")


def bounded(limit: int) -> int:
    """The page size that is used for the one that was asked for."""
    return max(1, min(limit, LIMIT))


def conversation_cursor(version: int, conversation_id: str) -> str:
    """The place after this conversation."""
    return f"{version}.{conversation_id}"


def parse_conversation_cursor(cursor: str | None) -> tuple[int, str] | None:
    """The inverse. Raises BadCursor."""
    if cursor is None:
        return None
    match = _CONVERSATIONS.fullmatch(cursor)
    if match is None:
        raise BadCursor
    return int(match[1]), match[2]
