"""What an earlier attempt left in its token log."""

import json
from collections.abc import Iterable

from shared.contract.events import GenerationRestarted, GenerationStarted, Token

_BEGINNINGS = frozenset((GenerationStarted.type_name.encode(), GenerationRestarted.type_name.encode()))
_TOKEN = Token.type_name.encode()


def text_of(messages: Iterable[tuple[int, bytes, bytes]]) -> str:
    """The text of the newest attempt in a log of (sequence, event name, data), oldest first."""
    parts: list[str] = []
    for _, kind, data in messages:
        if kind in _BEGINNINGS:
            parts.clear()
        elif kind == _TOKEN:
            parts.append(json.loads(data)["token"])
    return "".join(parts)
