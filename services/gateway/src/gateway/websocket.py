"""One open WebSocket: messages in, the user's stream out (M006, M007)."""

import asyncio
from contextlib import aclosing
from functools import partial
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.websockets import WebSocket

from gateway.body import parse_json
from gateway.identity import Identity
from gateway.line import Line
from gateway.parts import Parts, must_be
from gateway.requests import PostMessage, Request, Stop, check_size
from gateway.turn import begin, receipt
from gateway.validation import explained
from shared.contract.memory import STOP_GENERATION, StopGeneration
from shared.contract.subjects import user_scope
from shared.errors import Fault
from shared.feed import Cursor, Reset
from shared.ids import Id
from shared.stored import Stored


class InMessage(PostMessage):
    """Send a message."""

    type: Literal["message"]


class InStop(Stop):
    """Stop an answer."""

    type: Literal["stop"]
    conversation_id: Id


class InResume(Request):
    """Go on after this cursor."""

    type: Literal["resume"]
    after: str


class InPing(Request):
    """Are you there?"""

    type: Literal["ping"]


Incoming = Annotated[InMessage | InStop | InResume | InPing, Field(discriminator="type")]
INCOMING: TypeAdapter[InMessage | InStop | InResume | InPing] = TypeAdapter(Incoming)


class Socket:
    """A socket of a user, from accept to close."""

    def __init__(self, parts: Parts, caller: Identity, websocket: WebSocket, request_id: str) -> None:
        self._parts = parts
        self._caller = caller
        self._line = Line(parts, caller, websocket, request_id)
        self._part = user_scope(caller.user)
        self._resumed: asyncio.Queue[Cursor] = asyncio.Queue(maxsize=1)

    async def serve(self, after: Cursor | None) -> None:
        """Until the client leaves, its token expires, or the process stops."""
        await self._line.serve(partial(self._write_stream, after), self._read)

    async def _write_stream(self, after: Cursor | None) -> None:
        """The user's events from a cursor on; again from another one when the client says so."""
        while True:
            following = asyncio.ensure_future(self._follow(after))
            resumed = asyncio.ensure_future(self._resumed.get())
            try:
                await asyncio.wait((following, resumed), return_when=asyncio.FIRST_COMPLETED)
                if following.done():
                    following.result()
                after = await resumed
            finally:
                following.cancel()
                resumed.cancel()
                await asyncio.gather(following, resumed, return_exceptions=True)

    async def _follow(self, after: Cursor | None) -> None:
        """Returns after a reset; the client must say where to go on."""
        try:
            async with aclosing(self._parts.feed.follow(self._part, after)) as events:
                async for event in events:
                    await self._line.send(rendered_event(event))
        except Reset as reset:
            await self._line.send(to_json({"type": "reset", "data": {"reason": reset.reason}}))
        except Fault as fault:
            await self._line.complain(fault)

    async def _read(self) -> None:
        while True:
            frame = await self._line.receive()
            try:
                await self._hear(frame if isinstance(frame, bytes) else frame.encode())
            except Fault as fault:
                await self._line.complain(fault)

    async def _hear(self, frame: bytes) -> None:
        value = parse_json(frame, self._parts.settings.json_depth)
        try:
            message = INCOMING.validate_python(value)
        except ValidationError as error:
            raise explained(error.errors(include_url=False, include_input=False)) from None
        match message:
            case InMessage():
                await self._accept(message)
            case InStop():
                await self._stop(message)
            case InResume():
                await self._resumed.put(Cursor.parse(message.after))
            case InPing():
                await self._line.send(b'{"type":"pong"}')

    async def _accept(self, message: InMessage) -> None:
        must_be(message.user_id, self._caller)
        order = message.order(self._caller.user)
        check_size(order, self._parts.settings)
        answer = receipt(await begin(self._parts, order), self._caller)
        await self._line.send(to_json({**answer, "type": "accepted", "clientMessageId": message.client_message_id}))

    async def _stop(self, message: InStop) -> None:
        order = StopGeneration(
            user=self._caller.user, conversation_id=message.conversation_id, generation_id=message.generation_id
        )
        stopping = await self._parts.ask(STOP_GENERATION, order)
        await self._line.send(to_json({"type": "stopping", "generationIds": stopping.generation_ids}))


def rendered_event(event: Stored) -> bytes:
    """A stored event as a frame of the socket. Its cursor stands in the first line of its rendering for SSE."""
    cursor = event.frame[4 : event.frame.index(b"\n")]
    return b'{"type":"%b","id":"%b","data":%b}' % (event.type, cursor, event.data)
