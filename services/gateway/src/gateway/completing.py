"""A completion as a stream of OpenAI's chunks."""

import time
from contextlib import aclosing
from typing import Any

import structlog
from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.answers import Gap, Step, completed, steps
from gateway.faults import AnswerFailed, AnswerLate, Overloaded
from gateway.leaving import ClientGone, cut, while_wanted, write
from gateway.openai import DONE, Chunks, CompletionRequest, Diverged, Unrolled
from gateway.parts import Parts
from gateway.rendering import openai_problem
from gateway.turn import Begun
from shared.contract.events import GenerationStarted
from shared.contract.memory import STOP_GENERATION, StopGeneration
from shared.contract.objects import ChatMessage
from shared.errors import Fault

log: structlog.stdlib.BoundLogger = structlog.get_logger()

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]


async def hang_up(parts: Parts, begun: Begun) -> None:
    """Nobody waits for this answer, and nobody could come back to it: stop it."""
    accepted = begun.accepted
    order = StopGeneration(user=begun.user, conversation_id=accepted.conversation_id, generation_id=accepted.generation_id)
    try:
        await parts.ask(STOP_GENERATION, order)
    except Fault as fault:
        log.info("completion.not_stopped", code=fault.code)


class CompletionStream(Response):
    """The answer begins with the first text, so that what fails before has its own status."""

    media_type = "text/event-stream"

    def __init__(self, parts: Parts, begun: Begun, request: CompletionRequest) -> None:
        super().__init__()
        self._parts = parts
        self._begun = begun
        completion_id = "chatcmpl-" + begun.accepted.generation_id
        self._chunks = Chunks(completion_id, int(time.time()), request.model or "", include_usage=request.include_usage)
        self._unrolled = Unrolled()
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until the end of the answer, or until the client hangs up."""
        parts = self._parts
        try:
            pump = self._pump(send)
            await while_wanted(pump, receive, parts.stopping, seconds=parts.settings.answer_seconds)
        except ClientGone:
            await hang_up(parts, self._begun)
        except Overloaded:
            await cut(scope)
            await hang_up(parts, self._begun)
        except Fault as fault:
            if isinstance(fault, AnswerLate):
                await hang_up(parts, self._begun)
            if not self._started:
                raise
            await self._write(send, _frame({"error": openai_problem(fault)}), more=False)

    async def _pump(self, send: Send) -> None:
        async with aclosing(steps(self._parts, self._begun)) as walk:
            async for step in walk:
                chunks = self._render(step)
                if chunks and not self._started:
                    chunks.insert(0, self._chunks.delta(role="assistant", content=""))
                    await self._start(send)
                if chunks:
                    await self._write(send, b"".join(map(_frame, chunks)))
        await self._write(send, DONE, more=False)

    def _render(self, step: Step) -> list[dict[str, Any]]:
        try:
            return self._rendered(step)
        except Diverged:
            raise AnswerFailed("The answer began anew and differs from what was sent already.") from None

    def _rendered(self, step: Step) -> list[dict[str, Any]]:
        if isinstance(step, ChatMessage):
            rest = self._unrolled.end(completed(step, self._begun.accepted).text)
            return [*self._texts(content=rest), *self._chunks.end(step)]
        if isinstance(step, Gap):
            self._unrolled.gap()
            return []
        if isinstance(step, GenerationStarted):
            self._chunks.model = step.model
            self._unrolled.restart()
            return []
        if step.type == "reasoning":
            return self._texts(reasoning_content=step.token)
        return self._texts(content=self._unrolled.push(step.token))

    def _texts(self, **delta: str) -> list[dict[str, Any]]:
        return [self._chunks.delta(**delta)] if any(delta.values()) else []

    async def _start(self, send: Send) -> None:
        self._started = True
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})

    async def _write(self, send: Send, body: bytes, *, more: bool = True) -> None:
        await write(send, body, more=more, seconds=self._parts.settings.write_seconds)


def _frame(chunk: dict[str, Any]) -> bytes:
    return b"data: " + to_json(chunk) + b"\n\n"
