"""Completions: one answer as a stream of OpenAI's chunks, or whole."""

import time
from contextlib import aclosing
from typing import Any

import structlog
from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.answers import Gap, Piece, Step, completed, steps
from gateway.chunks import DONE, Chunks, completion
from gateway.faults import AnswerFailed, AnswerLate, Overloaded, Unsupported
from gateway.leaving import ClientGone, cut, while_wanted, write
from gateway.openai import CompletionRequest
from gateway.parts import Parts
from gateway.rendering import openai_problem
from gateway.replies import reply
from gateway.turn import Begun
from gateway.unrolled import Calls, Diverged, Unrolled, called, left_to_client
from shared.contract.events import GenerationStarted, ToolStarted
from shared.contract.memory import STOP_GENERATION, StopGeneration
from shared.contract.objects import ChatMessage, PromptCall
from shared.errors import Fault

log: structlog.stdlib.BoundLogger = structlog.get_logger()

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]
CLIENT_CLOSED = 499
ANEW = "The answer began anew and differs from what was sent already."


async def hang_up(parts: Parts, begun: Begun) -> None:
    """Nobody waits for this answer, and nobody could come back to it: stop it."""
    accepted = begun.accepted
    order = StopGeneration(user=begun.user, conversation_id=accepted.conversation_id, generation_id=accepted.generation_id)
    try:
        await parts.ask(STOP_GENERATION, order)
    except Fault as fault:
        log.info("completion.not_stopped", code=fault.code)


def explained(fault: Fault, request: CompletionRequest) -> Fault:
    """A model's server that takes no tools, or no such format, refuses them: that is for the client to change."""
    if request.demands and isinstance(fault, AnswerFailed) and fault.details.get("reason") == "upstream_refused":
        return Unsupported(str(fault), **fault.details)
    return fault


class _Answering(Response):
    """What both forms have in common: whose answer it is, and when it is stopped."""

    def __init__(self, parts: Parts, begun: Begun, request: CompletionRequest) -> None:
        super().__init__()
        self._parts = parts
        self._begun = begun
        self._request = request
        self._id = "chatcmpl-" + begun.accepted.generation_id
        self._calls = Calls()

    async def _hang_up(self) -> None:
        """What is stored can be read later: it goes on."""
        if not self._request.stored:
            await hang_up(self._parts, self._begun)

    def _take(self, call: ToolStarted) -> list[tuple[int, PromptCall]]:
        """Calls of our own tools are carried out here."""
        return self._calls.push(called(call)) if self._request.has_tools else []

    def _rest(self, answer: ChatMessage) -> list[tuple[int, PromptCall]]:
        return self._calls.end(left_to_client(answer)) if self._request.has_tools else []


class CompletionAnswer(_Answering):
    """The whole answer at once."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Waits for the end of the answer, or until the client hangs up. Raises what it failed with."""
        parts = self._parts
        try:
            answer = await while_wanted(self._whole(), receive, parts.stopping, seconds=parts.settings.answer_seconds)
        except ClientGone:
            await self._hang_up()
            return await Response(status_code=CLIENT_CLOSED)(scope, receive, send)
        except Fault as fault:
            if isinstance(fault, AnswerLate):
                await self._hang_up()
            raise explained(fault, self._request) from None
        body = completion(answer, self._calls.sent, self._id, int(time.time()), self._request.model or "")
        return await reply(body)(scope, receive, send)

    async def _whole(self) -> ChatMessage:
        async with aclosing(steps(self._parts, self._begun)) as walk:
            async for step in walk:
                if isinstance(step, GenerationStarted):
                    self._calls = Calls()
                elif isinstance(step, ToolStarted):
                    self._take(step)
                elif isinstance(step, Gap):
                    self._calls.gap()
                elif isinstance(step, ChatMessage):
                    return self._complete(completed(step, self._begun.accepted))
        raise AnswerFailed

    def _complete(self, answer: ChatMessage) -> ChatMessage:
        try:
            self._rest(answer)
        except Diverged:
            raise AnswerFailed(ANEW) from None
        return answer


class CompletionStream(_Answering):
    """The answer begins with the first text or call, so that what fails before has its own status."""

    media_type = "text/event-stream"

    def __init__(self, parts: Parts, begun: Begun, request: CompletionRequest) -> None:
        super().__init__(parts, begun, request)
        self._chunks = Chunks(self._id, int(time.time()), request.model or "", include_usage=request.include_usage)
        self._text = Unrolled()
        self._thought = Unrolled()
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until the end of the answer, or until the client hangs up."""
        parts = self._parts
        try:
            pump = self._pump(send)
            await while_wanted(pump, receive, parts.stopping, seconds=parts.settings.answer_seconds)
        except ClientGone:
            await self._hang_up()
        except Overloaded:
            await cut(scope)
            await self._hang_up()
        except Fault as fault:
            if isinstance(fault, AnswerLate):
                await self._hang_up()
            fault = explained(fault, self._request)
            if not self._started:
                raise fault from None
            await self._write(send, _frame({"error": openai_problem(fault)}), more=False)

    async def _pump(self, send: Send) -> None:
        async with aclosing(steps(self._parts, self._begun)) as walk:
            async for step in walk:
                chunks = self._render(step)
                if chunks and not self._started:
                    said = chunks[0]["choices"][0]["delta"]
                    chunks.insert(0, self._chunks.delta(role="assistant", content=None if "tool_calls" in said else ""))
                    await self._start(send)
                if chunks:
                    await self._write(send, b"".join(map(_frame, chunks)))
        await self._write(send, DONE, more=False)

    def _render(self, step: Step) -> list[dict[str, Any]]:
        try:
            return self._rendered(step)
        except Diverged:
            raise AnswerFailed(ANEW) from None

    def _rendered(self, step: Step) -> list[dict[str, Any]]:
        match step:
            case Piece():
                return self._spoken(step)
            case ToolStarted():
                return [self._chunks.call(place, call) for place, call in self._take(step)]
            case ChatMessage():
                return self._ended(completed(step, self._begun.accepted))
            case GenerationStarted():
                self._chunks.model = step.model
                for sent in (self._text, self._thought, self._calls):
                    sent.restart()
            case Gap():
                for sent in (self._text, self._thought, self._calls):
                    sent.gap()
            case _:
                pass
        return []

    def _spoken(self, piece: Piece) -> list[dict[str, Any]]:
        if not piece.thought:
            return self._texts(content=self._text.push(piece.text))
        try:
            return self._texts(reasoning_content=self._thought.push(piece.text))
        except Diverged:  # Another thought.
            self._thought = Unrolled()
            return self._texts(reasoning_content=self._thought.push(piece.text))

    def _ended(self, answer: ChatMessage) -> list[dict[str, Any]]:
        chunks = self._texts(content=self._text.end(answer.text))
        chunks += [self._chunks.call(place, call) for place, call in self._rest(answer)]
        return [*chunks, *self._chunks.end(answer, self._calls.sent)]

    def _texts(self, **delta: str) -> list[dict[str, Any]]:
        return [self._chunks.delta(**delta)] if any(delta.values()) else []

    async def _start(self, send: Send) -> None:
        self._started = True
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})

    async def _write(self, send: Send, body: bytes, *, more: bool = True) -> None:
        await write(send, body, more=more, seconds=self._parts.settings.write_seconds)


def _frame(chunk: dict[str, Any]) -> bytes:
    return b"data: " + to_json(chunk) + b"\n\n"
