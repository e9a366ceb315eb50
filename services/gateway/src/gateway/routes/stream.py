"""The addresses of the streams, in front of FastAPI: an open stream must cost as little as it can."""

import re
from collections.abc import Awaitable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from gateway.audio_socket import AudioSocket
from gateway.exchange import exchange_of
from gateway.faults import UnknownRoute, WrongMethod
from gateway.metrics import SOCKETS
from gateway.parts import Parts
from gateway.requests import is_id
from gateway.streaming import asked_for, conversation_view, serve, user_view
from gateway.websocket import Socket
from shared.errors import UnknownConversation

USER = "/api/v1/stream"
CONVERSATION = USER + "/{conversationId}"
SOCKET = "/ws"
AUDIO = "/api/v1/audio"


class Streams:
    """ASGI: answers the stream addresses and the socket, and hands everything else on."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self.app = app
        self.parts = parts

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Awaiting it raises what a Fault says to the client. No coroutine itself: one frame less for each open stream."""
        path: str = scope["path"]
        if scope["type"] == "websocket":
            return self._socket(path, scope, receive, send)
        if path == USER or path.startswith(USER + "/"):
            return self._stream(path.removeprefix(USER)[1:], scope, receive, send)
        return self.app(scope, receive, send)

    async def _stream(self, conversation: str, scope: Scope, receive: Receive, send: Send) -> None:
        exchange_of(scope).route = CONVERSATION if conversation else USER
        if scope["method"] != "GET":
            raise WrongMethod(allow="GET")
        caller = await self.parts.authenticator.identify(scope)
        if not conversation:
            view = await user_view(self.parts, caller, scope)
        elif is_id(conversation):
            view = await conversation_view(self.parts, caller, conversation, scope)
        else:
            raise UnknownConversation
        await serve(self.parts, caller, view, scope, receive, send)

    async def _socket(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        if path not in (SOCKET, AUDIO):
            raise UnknownRoute
        caller = await self.parts.authenticator.identify(scope)
        request_id = exchange_of(scope).request_id
        if path == AUDIO:
            with SOCKETS.track_inprogress():
                await AudioSocket(self.parts, caller, WebSocket(scope, receive, send), request_id).serve()
            return
        after, _ = asked_for(scope)
        socket = Socket(self.parts, caller, WebSocket(scope, receive, send), request_id)
        with SOCKETS.track_inprogress():
            await socket.serve(after)


def _parameter(name: str, place: str, description: str, *, required: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": required,
        "description": description,
        "schema": {"type": "string", "title": name},
    }


def _operation(summary: str, description: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    common = (
        _parameter("Last-Event-ID", "header", "Cursor to go on after; wins over `after`."),
        _parameter("after", "query", "Cursor to go on after."),
        _parameter("until", "query", "Id of a message: the stream ends with `done` when its answer has ended."),
    )
    return {
        "tags": ["streams"],
        "summary": summary,
        "description": description,
        "operationId": re.sub(r"\W+", "_", summary.lower()),
        "parameters": [*parameters, *common],
        "responses": {
            "200": {"description": "Server-sent events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
            "400": {"description": "`bad_cursor`"},
            "404": {"description": "`unknown_conversation`"},
            "429": {"description": "`too_many_streams`"},
        },
    }


PATHS: dict[str, Any] = {
    USER: {"get": _operation("Follow everything", "Every event of the caller, from the cursor on, or from now.")},
    CONVERSATION: {
        "get": _operation(
            "Follow a conversation",
            "Its events from the cursor on; without one from the start of the running answer, or from now.",
            _parameter("conversationId", "path", "Id of a conversation of the caller.", required=True),
        )
    },
}
"""These addresses for the OpenAPI document."""
