"""Cursors of lists: opaque to clients, a place in an order to us."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from typing import TypeVar

from shared.contract.base import Message
from shared.errors import BadCursor

M = TypeVar("M", bound=Message)

LIMIT = 500
"""No page holds more, whatever is asked for."""

_CONVERSATIONS = re.compile(r"([0-9]{1,18})\.([A-Za-z0-9_-]{1,64})")
_OBJECT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOMENT = re.compile(r"(-?[0-9]{1,18})\.([A-Za-z0-9_-]{1,64})")


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


def within(items: Iterable[M], budget: int) -> list[M]:
    """The first ones that fit into this many bytes; at least one if there is one."""
    page: list[M] = []
    for item in items:
        budget -= len(item.encode())
        if page and budget < 0:
            break
        page.append(item)
    return page


def object_cursor(object_id: str) -> str:
    """The place after the object with this id."""
    return object_id


def parse_object_cursor(cursor: str | None) -> str | None:
    """The inverse. Raises BadCursor."""
    if cursor is not None and not _OBJECT.fullmatch(cursor):
        raise BadCursor
    return cursor


def moment_cursor(at: int, object_id: str) -> str:
    """The place after the object with this id, in an order by time."""
    return f"{at}.{object_id}"


def parse_moment_cursor(cursor: str | None) -> tuple[int, str] | None:
    """The inverse. Raises BadCursor."""
    if cursor is None:
        return None
    match = _MOMENT.fullmatch(cursor)
    if match is None:
        raise BadCursor
    return int(match[1]), match[2]


def key_cursor(*parts: str) -> str:
    """The place after what has these two keys, which may be any text."""
    return urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def parse_key_cursor(cursor: str | None) -> tuple[str, str] | None:
    """The inverse. Raises BadCursor."""
    if cursor is None:
        return None
    try:
        first, second = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"==="))
    except (ValueError, TypeError):
        raise BadCursor from None
    if not (isinstance(first, str) and isinstance(second, str)):
        raise BadCursor
    return first, second
