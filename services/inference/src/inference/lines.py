"""The messages of one attempt's token log as they are stored: events of the contract, tokens by a short cut."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from inference.delta import Text, Thought, ToolCall
from inference.tools.telling import SHOWN, cut
from shared.contract.events import (
    ActionAsked,
    GenerationRestarted,
    GenerationStarted,
    Reasoning,
    Token,
    ToolFinished,
    ToolStarted,
)
from shared.contract.memory import Claim
from shared.contract.tools import CallOutcome, ToolCallState

Now = Callable[[], datetime]

STAMP_SECONDS = 0.002
"""How long one reading of the clock serves: tokens of one beat share it."""

# Bound once: `json.dumps(ensure_ascii=False)` makes an encoder for each call, which costs ten times as much.
_quote = json.JSONEncoder(ensure_ascii=False).encode


def utc() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Clock:
    """The time, and the same as text without zone, written once for all tokens of a moment."""

    def __init__(self, now: Now = utc, tick: Callable[[], float] = monotonic) -> None:
        self.now = now
        self._tick = tick
        self._until = 0.0
        self._stamp = ""

    def stamp(self) -> str:
        """Such as `2026-11-20T16:35:07.123456`."""
        tick = self._tick()
        if tick >= self._until:
            self._until = tick + STAMP_SECONDS
            self._stamp = self.now().isoformat(timespec="microseconds")[:-6]
        return self._stamp


class Lines:
    """Writes the events of one attempt, numbered from 0 over text and reasoning."""

    def __init__(self, generation: str, claim: Claim, clock: "Clock") -> None:
        self._generation = generation
        self._claim = claim
        self._clock = clock
        self._index = 0
        self._id = f"e_{generation.partition('_')[2]}-{claim.epoch}-"
        # 2 µs a token against 9 for the contract's model; a test says that both mean the same.
        self._head = f'{{"id":"{self._id}'
        self._where = f'Z","conversationId":{_quote(claim.conversation_id)},"type":"'
        self._tail = (
            f',"role":"assistant","messageId":{_quote(claim.answer_id)},"generationId":{_quote(generation)},'
            f'"attempt":{claim.epoch},"index":'
        )

    def started(self, model: str) -> tuple[str, bytes]:
        """Type and data of the first message of this attempt."""
        kind = GenerationRestarted if self._claim.epoch > 1 else GenerationStarted
        event = kind(**self._common("start"), attempt=self._claim.epoch, model=model)
        return kind.type_name, event.encode()

    def tool_started(self, call: ToolCall) -> tuple[str, bytes]:
        """Type and data for a tool that the model asked for."""
        event = ToolStarted(**self._of_call("tool", call.id), name=call.name, arguments=json.loads(call.arguments))
        return ToolStarted.type_name, event.encode()

    def tool_finished(self, call: ToolCallState, status: CallOutcome, seconds: float | None) -> tuple[str, bytes]:
        """Type and data for what came of a tool."""
        event = ToolFinished(
            **self._of_call("end", call.id),
            name=call.name,
            status=status,
            result=cut(call.result, SHOWN),
            error=call.error,
            duration_ms=None if seconds is None else round(seconds * 1_000),
        )
        return ToolFinished.type_name, event.encode()

    def action_asked(self, call: ToolCall) -> tuple[str, bytes]:
        """Type and data for a card that can be shown while the text still streams."""
        event = ActionAsked(**self._of_call("action", call.id), event=call.name, payload=json.loads(call.arguments))
        return ActionAsked.type_name, event.encode()

    def _of_call(self, what: str, call_id: str) -> dict[str, Any]:
        common = self._common(f"{what}-{call_id}"[:64])
        return {**common, "attempt": self._claim.epoch, "tool_call_id": call_id}

    def spoken(self, kind: type[Text] | type[Thought], text: str) -> tuple[str, bytes]:
        """Type and data for the next piece of text or reasoning."""
        event, name = (Token, "token") if kind is Text else (Reasoning, "reasoning")
        at = self._clock.stamp()
        index = self._index
        self._index = index + 1
        line = f'{self._head}{index}","at":"{at}{self._where}{name}","token":{_quote(text)}{self._tail}{index}}}'
        return event.type_name, line.encode()

    def precede(self, data: bytes) -> bool:
        """Whether an earlier attempt than this one wrote that message."""
        return json.loads(data)["attempt"] < self._claim.epoch

    def _common(self, suffix: str) -> dict[str, Any]:
        claim = self._claim
        return {
            "id": self._id + suffix,
            "at": self._clock.now(),
            "conversation_id": claim.conversation_id,
            "generation_id": self._generation,
            "message_id": claim.answer_id,
        }
