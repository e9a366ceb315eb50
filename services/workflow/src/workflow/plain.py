"""What may stand in a journal: JSON, and not too much of it."""

import json
from typing import Any

from shared.contract.base import Message
from workflow.failure import NonRetryable

MOST_BYTES = 512 * 1024
"""Of one value in a journal, which is read as a whole at every wake."""

MOST_STOWED = 8 * 1024 * 1024
"""Of one result. What is longer than a journal takes is kept beside it, and read when the workflow asks for it."""


def plain(value: Any, what: str) -> Any:
    """The value as JSON gives it back: whoever awaits it now gets what a replay will get. Raises NonRetryable."""
    return weighed(value, what, MOST_BYTES)[0]


def weighed(value: Any, what: str, most: int = MOST_STOWED) -> tuple[Any, bytes | None]:
    """The same, and its JSON when that is too long for a journal. Raises NonRetryable."""
    try:
        text = json.dumps(value.wire() if isinstance(value, Message) else value, allow_nan=False, ensure_ascii=False)
        data = text.encode()
    except (TypeError, ValueError, RecursionError):
        raise NonRetryable(f"{what} is not JSON: {type(value).__name__}.") from None
    if len(data) > most:
        raise NonRetryable(f"{what} has {len(data)} bytes of JSON; {most} are allowed: keep it elsewhere, and return its name.")
    return json.loads(text), data if len(data) > MOST_BYTES else None
