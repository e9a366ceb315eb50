"""An open WebSocket, whatever is said over it: from accept to close, which code it ends with, and who is too slow for it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from pydantic_core import to_json
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.identity import Identity
from gateway.parts import Parts
from gateway.protocol import ABORT
from gateway.rendering import problem
from gateway.streaming import Connected
from shared.errors import Fault

DONE, REFUSED, GOING_AWAY, EXPIRED, TOO_SLOW, ERASED = 1000, 4400, 1012, 4401, 1013, 4410
RECONNECT: Final = b'{"type":"reconnect"}'
GONE: Final = 1005

Job = Callable[[], Coroutine[Any, Any, None]]


class Closing(Exception):
    """The socket is to be closed, with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Line:
    """The socket of a caller."""

    def __init__(self, parts: Parts, caller: Identity, websocket: WebSocket, request_id: str) -> None:
        self._parts, self._caller = parts, caller
        self._websocket, self._request_id = websocket, request_id
        self._sending = asyncio.Lock()

    async def serve(self, *jobs: Job) -> None:
        """Accepts, and does these side by side until one of them is Closing, the client leaves, its token expires, its account
        is erased, or the process stops."""
        self._parts.must_be_open()
        with Connected(self._parts, self._caller, self._websocket.scope):
            await self._websocket.accept()
            code = await self._until_closed(*jobs, self._watch, self._dismissed)
            if code == TOO_SLOW:
                self._websocket.scope["extensions"][ABORT]()  # it wouldn't read the closing frame either
            elif code:
                await self._websocket.close(code)

    async def receive(self) -> bytes | str:
        """What the client says next. Raises WebSocketDisconnect."""
        event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code") or GONE)
        data = event.get("bytes")
        return data if data is not None else (event.get("text") or "")

    async def send(self, frame: bytes, data: bytes | None = None) -> None:
        """A frame, and the binary one that belongs to it. Raises Closing when the client doesn't read."""
        try:
            async with asyncio.timeout(self._parts.settings.write_seconds), self._sending:
                await self._websocket.send_text(frame.decode())
                if data is not None:
                    await self._websocket.send_bytes(data)
        except TimeoutError:
            raise Closing(TOO_SLOW) from None

    async def complain(self, fault: Fault) -> None:
        """Tells the client what went wrong."""
        await self.send(to_json({"type": "error", "error": problem(fault, self._request_id)}))

    async def _until_closed(self, *jobs: Job) -> int:
        """Runs all until one says how to close; 0 when the client is gone."""
        code = 0
        try:
            async with asyncio.TaskGroup() as tasks:
                for job in jobs:
                    tasks.create_task(job())
        except* Closing as closings:
            code = _code(closings)
        except* WebSocketDisconnect:
            pass
        except* Fault:  # two things went wrong at once, and the client has heard of neither
            code = GOING_AWAY
        return code

    async def _watch(self) -> None:
        try:
            async with asyncio.timeout_at(self._caller.expires):
                await self._parts.stopping.wait()
        except TimeoutError:
            raise Closing(EXPIRED) from None
        await self.send(RECONNECT)
        raise Closing(GOING_AWAY)

    async def _dismissed(self) -> None:
        with self._parts.dismissals.of(self._caller.user) as dismissed:
            await dismissed.wait()
        raise Closing(ERASED)


def _code(closings: BaseException) -> int:
    """How the first one of a group of groups wants to close."""
    if isinstance(closings, BaseExceptionGroup):
        group: BaseExceptionGroup[BaseException] = closings  # pyright: ignore[reportUnknownVariableType]
        return _code(group.exceptions[0])
    return closings.code if isinstance(closings, Closing) else GOING_AWAY
