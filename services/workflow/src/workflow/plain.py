"""What may stand in a journal: JSON, and not too much of it."""

import json
from typing import Any

from shared.contract.base import Message
from workflow.failure import NonRetryable

MOST_BYTES = 512 * 1024
"""Of one result. What is larger is kept elsewhere, and its name is the result: a journal is read as a whole at every wake."""


def plain(value: Any, what: str) -> Any:
    """The value as JSON gives it back: whoever awaits it now gets what a replay will get. Raises NonRetryable."""
    try:
        text = json.dumps(value.wire() if isinstance(value, Message) else value, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        raise NonRetryable(f"{what} is not JSON: {type(value).__name__}.") from None
    if size > MOST_BYTES:
        raise NonRetryable(
            f"{what} has {size} bytes of JSON; {MOST_BYTES} are allowed: keep it elsewhere, and return its name."
        )
    return json.loads(text)
