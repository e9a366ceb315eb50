"""Answers that still run, as far as their token logs have them at a place in the feed: text, thoughts, tools, actions."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from shared.bus import Bus, Entry
from shared.contract.events import (
    ActionAsked,
    GenerationRestarted,
    GenerationStarted,
    Reasoning,
    Token,
    ToolFinished,
    ToolStarted,
)
from shared.contract.objects import ChatMessage
from shared.contract.subjects import token_log

RUNNING = frozenset({"pending", "streaming"})

_BEGINNINGS = frozenset((GenerationStarted.type_name.encode(), GenerationRestarted.type_name.encode()))
_TOKEN, _REASONING = Token.type_name.encode(), Reasoning.type_name.encode()
_STARTED, _FINISHED = ToolStarted.type_name.encode(), ToolFinished.type_name.encode()
_ASKED = ActionAsked.type_name.encode()
_PIECES = frozenset((_TOKEN, _REASONING, _STARTED, _FINISHED, _ASKED))
_OUTCOME = ("status", "result", "error", "durationMs")


@dataclass(slots=True)
class Partial:
    """What there is of the newest attempt at an answer, and the index its next token will have."""

    attempt: int = 0
    next_index: int = 0
    texts: list[str] = field(default_factory=list[str])
    reasoning: list[str] = field(default_factory=list[str])
    calls: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """As a message keeps them, by their ids, in the order in which they began."""
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def add(self, kind: bytes, data: bytes) -> None:
        """One more event of the attempt."""
        if kind in (_TOKEN, _REASONING):
            token = json.loads(data)
            self.next_index = token["index"] + 1
            (self.texts if kind == _TOKEN else self.reasoning).append(token["token"])
        elif kind in (_STARTED, _FINISHED):
            self._call(json.loads(data))
        elif kind == _ASKED:
            asked = json.loads(data)
            self.asked.append({name: asked[name] for name in ("toolCallId", "event", "payload")})

    def _call(self, told: dict[str, Any]) -> None:
        call = self.calls.setdefault(told["toolCallId"], {"id": told["toolCallId"], "name": told["name"], "arguments": {}})
        call |= {"arguments": told.get("arguments", call["arguments"]), "status": "running"}
        call |= {name: told[name] for name in _OUTCOME if told.get(name) is not None}

    def wire(self) -> dict[str, Any]:
        """The fields of the message that it fills in."""
        beside = {"reasoning": "".join(self.reasoning), "toolCalls": list(self.calls.values()), "actionsAsked": self.asked}
        text = "".join(self.texts)
        known = {name: value for name, value in beside.items() if value}
        return {"text": text, "status": "streaming", "attempt": self.attempt, "nextIndex": self.next_index, **known}


def folded(entries: Iterable[Entry], until: int) -> Partial | None:
    """What a token log, oldest first, comes to at a sequence of the stream; None when the answer has not begun by then."""
    partial: Partial | None = None
    for sequence, kind, data in entries:
        if sequence > until:
            break
        if kind in _BEGINNINGS:
            partial = Partial(json.loads(data)["attempt"])
        elif kind in _PIECES:
            partial = partial or Partial(json.loads(data)["attempt"])
            partial.add(kind, data)
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
