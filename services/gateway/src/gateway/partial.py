"""The text of answers that still run, as far as their token logs have it at a place in the feed."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from shared.bus import Bus, Entry
from shared.contract.events import GenerationRestarted, GenerationStarted, Reasoning, Token
from shared.contract.objects import ChatMessage
from shared.contract.subjects import token_log

RUNNING = frozenset({"pending", "streaming"})

_BEGINNINGS = frozenset((GenerationStarted.type_name.encode(), GenerationRestarted.type_name.encode()))
_TOKEN, _REASONING = Token.type_name.encode(), Reasoning.type_name.encode()


@dataclass(slots=True)
class Partial:
    """What there is of an answer: the text of the newest attempt, and the index its next event will have."""

    attempt: int = 0
    next_index: int = 0
    texts: list[str] = field(default_factory=list[str])

    def wire(self) -> dict[str, Any]:
        """The fields of the message that it fills in."""
        text = "".join(self.texts)
        return {"text": text, "status": "streaming", "attempt": self.attempt, "nextIndex": self.next_index}


def folded(entries: Iterable[Entry], until: int) -> Partial | None:
    """What a token log, oldest first, comes to at a sequence of the stream; None when the answer has not begun by then."""
    partial: Partial | None = None
    for sequence, kind, data in entries:
        if sequence > until:
            break
        if kind in _BEGINNINGS:
            partial = Partial(json.loads(data)["attempt"])
        elif kind in (_TOKEN, _REASONING):
            token = json.loads(data)
            partial = partial or Partial(token["attempt"])
            partial.next_index = token["index"] + 1
            if kind == _TOKEN:
                partial.texts.append(token["token"])
    return partial


async def shown(bus: Bus, user: str, messages: Iterable[ChatMessage], until: int) -> list[dict[str, Any]]:
    """The messages as they travel; those that are being answered with the text up to a sequence. Raises Unavailable."""
    return [await _shown(bus, user, message, until) for message in messages]


async def _shown(bus: Bus, user: str, message: ChatMessage, until: int) -> dict[str, Any]:
    if message.status not in RUNNING or message.generation_id is None:
        return message.wire()
    # Also when it is only queued for memory: a worker's first tokens may be stored before the events of an older change.
    partial = folded(await bus.read(token_log(user, message.conversation_id, message.generation_id)), until)
    return {**message.wire(), **(partial.wire() if partial else {})}
