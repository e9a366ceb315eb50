"""The AI SDK's UI message stream of one answer: what there is of it in few parts, then live."""

import asyncio
from contextlib import aclosing

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.answers import Step, replayed, steps
from gateway.chunks import DONE
from gateway.completing import ANEW
from gateway.faults import Overloaded
from gateway.identity import Identity
from gateway.leaving import ClientGone, cut, while_wanted, write
from gateway.parts import Parts
from gateway.streaming import Connected
from gateway.turn import Begun
from gateway.ui import Known
from gateway.ui_parts import Part, UiParts, merged
from gateway.unrolled import Diverged
from shared.errors import Fault

START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store, no-transform"),
        (b"x-vercel-ai-ui-message-stream", b"v1"),
        (b"x-accel-buffering", b"no"),
    ],
}
PING = b": ping\n\n"

QUIET_SECONDS = 0.5
"""Once all that is left waits for the user's leave, nothing tells that the worker has let go: it has when it says nothing."""


class UiStream(Response):
    """Streams until the answer has ended. Hanging up doesn't stop it. `replay`: some of it may be there already."""

    media_type = "text/event-stream"

    def __init__(
        self, parts: Parts, caller: Identity, begun: Begun, known: Known | None = None, *, replay: bool = False
    ) -> None:
        super().__init__()
        self._parts = parts
        self._caller = caller
        self._begun = begun
        self._known = known
        self._replay = replay

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises TooManyStreams, Stopping before anything was sent."""
        self._parts.must_be_open()
        with Connected(self._parts, self._caller, scope):
            await send(START)
            drawn = self._drawn()
            try:
                seconds = self._parts.settings.answer_seconds
                await while_wanted(self._pump(drawn, send), receive, self._parts.stopping, seconds=seconds)
            except ClientGone:
                return
            except Overloaded:
                await cut(scope)
            except Fault as fault:
                await self._write(send, drawn.failed(str(fault)), more=False)

    def _drawn(self) -> UiParts:
        accepted = self._begun.accepted
        return UiParts(accepted) if self._known is None else UiParts(accepted, self._known)

    async def _pump(self, drawn: UiParts, send: Send) -> None:
        begun = self._begun
        first = drawn.opened()
        if self._replay:
            past, after = await replayed(self._parts, begun)
            drawn, first = self._folded(drawn, past)
            begun = Begun(begun.user, begun.accepted, after)
        await self._write(send, merged(first))
        if not drawn.ended:
            await self._live(drawn, begun, send)
        await write(send, DONE, more=False, seconds=self._parts.settings.write_seconds)

    def _folded(self, drawn: UiParts, past: list[Step]) -> tuple[UiParts, list[Part]]:
        """What is there. Nothing of it was sent, so what an earlier attempt said otherwise can be left out."""
        parts = drawn.opened()
        for step in past:
            try:
                parts += drawn.render(step)
            except Diverged:
                drawn = self._drawn()
                parts = [*drawn.opened(), *drawn.render(step)]
        return drawn, parts

    async def _live(self, drawn: UiParts, begun: Begun, send: Send) -> None:
        async with aclosing(steps(self._parts, begun)) as walk:
            coming = asyncio.ensure_future(anext(walk, None))
            try:
                while not drawn.ended:
                    await asyncio.wait([coming], timeout=self._patience(drawn))
                    if not coming.done():
                        await self._silence(drawn, send)
                        continue
                    step = coming.result()
                    if step is None:
                        return
                    await self._write(send, _rendered(drawn, step))
                    coming = asyncio.ensure_future(anext(walk, None))
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    def _patience(self, drawn: UiParts) -> float:
        return QUIET_SECONDS if drawn.parked else self._parts.settings.heartbeat_seconds

    async def _silence(self, drawn: UiParts, send: Send) -> None:
        if drawn.parked:
            await self._write(send, drawn.park())
        else:
            await write(send, PING, more=True, seconds=self._parts.settings.write_seconds)

    async def _write(self, send: Send, parts: list[Part], *, more: bool = True) -> None:
        if parts:
            body = b"".join(b"data: " + to_json(part) + b"\n\n" for part in parts)
            await write(send, body if more else body + DONE, more=more, seconds=self._parts.settings.write_seconds)


def _rendered(drawn: UiParts, step: Step) -> list[Part]:
    try:
        return drawn.render(step)
    except Diverged:
        return drawn.failed(ANEW)
