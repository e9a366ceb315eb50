"""What the relay itself says on a stream: the response's head, `retry:`, heartbeats, and why it ends."""

import json
import random
from typing import Any

from shared.contract.events import TERMINAL
from shared.stored import Stored

START: dict[str, Any] = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        # no-transform: a proxy that compresses would hold tokens back.
        (b"cache-control", b"no-store, no-transform"),
        (b"x-accel-buffering", b"no"),
    ],
}
PING = b": ping\n\n"
EXPIRED = b": expired\n\n"
DONE = b"event: done\ndata: {}\n\n"
RECONNECT = b"event: reconnect\ndata: {}\n\n"

RETRY_MILLISECONDS = (500, 5000)

_TERMINAL = frozenset(name.encode() for name in TERMINAL)


def retry() -> bytes:
    """When to come back, drawn for each connection: so the readers of a gateway that died don't come as one herd (F5)."""
    return b"retry: %d\n\n" % random.randint(*RETRY_MILLISECONDS)  # noqa: S311 - chance, not a secret


def reset(reason: str) -> bytes:
    """This reader's cursor can't be continued."""
    return b'event: reset\ndata: {"reason":"%b"}\n\n' % reason.encode()


def ends(event: Stored, until: str) -> bool:
    """Is this the last event of the answer that `until` names: by its generation, its message, or the message it answers?"""
    if event.type not in _TERMINAL or until.encode() not in event.data:
        return False
    body = json.loads(event.data)
    return until in (body.get("generationId"), body.get("messageId"), body.get("message", {}).get("parentId"))
