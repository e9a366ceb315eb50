"""The outermost layer: request ids, headers of every answer, faults made visible, and one measurement per request."""

import time
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import metrics
from gateway.exchange import Exchange, begin
from gateway.faults import HeadersTooLarge
from gateway.origin import Doorman
from gateway.rendering import NO_STORE, Header, rendered
from gateway.settings import GatewaySettings
from shared.errors import Fault

log: structlog.stdlib.BoundLogger = structlog.get_logger()

UNMATCHED = "unmatched"


class Outgoing:
    """The `send` of one exchange: adds its headers to the start of the answer and hands everything else on.

    Not a coroutine function: it returns the server's own coroutine, so an event of a stream costs no extra frame.
    """

    __slots__ = ("exchange", "scope", "send", "started", "status")

    def __init__(self, scope: Scope, send: Send, exchange: Exchange) -> None:
        self.scope = scope
        self.send = send
        self.exchange = exchange
        self.started = time.perf_counter()
        self.status = 0

    def __call__(self, message: Message) -> Any:
        """Sends a message of the application."""
        if not self.status and message["type"] == "http.response.start":
            message = {**message, "headers": [*self._headers(message), *self.exchange.headers]}
            self._begun(message["status"])
        return self.send(message)

    def _headers(self, message: Message) -> list[Header]:
        headers: list[Header] = list(message.get("headers", ()))
        return headers if b"cache-control" in dict(headers) else [*headers, NO_STORE]

    def _begun(self, status: int) -> None:
        self.status = status
        route = self.exchange.route or getattr(self.scope.get("route"), "path", UNMATCHED)
        metrics.count(self.scope["method"], route, status, time.perf_counter() - self.started)


class Edge:
    """ASGI middleware. What is raised behind it as a Fault becomes an answer; nothing else is caught."""

    def __init__(self, app: ASGIApp, settings: GatewaySettings) -> None:
        self.app = app
        self.doorman = Doorman.of(settings)
        self.header_bytes = settings.header_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = begin(scope)
        # Every request has a task of its own, and that a context of its own: nothing to unbind.
        structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        if scope["type"] == "websocket":
            return await self._websocket(scope, receive, send)
        outgoing = Outgoing(scope, send, exchange)
        try:
            self._check(scope)
            await self.app(scope, receive, outgoing)
        except Fault as fault:
            await answer_fault(fault, scope, outgoing)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check(scope)
            await self.app(scope, receive, send)
        except Fault as fault:
            await refuse_handshake(fault, scope, receive, send)

    def _check(self, scope: Scope) -> None:
        size = sum(len(name) + len(value) for name, value in scope["headers"]) + len(scope["query_string"])
        if size > self.header_bytes:
            raise HeadersTooLarge
        self.doorman.admit(scope)


async def answer_fault(fault: Fault, scope: Scope, outgoing: Outgoing) -> None:
    """Renders a fault as the answer. When the answer had begun already, all that is left is to cut it."""
    if outgoing.status:
        raise fault
    if fault.status >= 500:
        log.warning("request.failed", code=fault.code, status=fault.status, path=scope["path"])
    status, headers, body = rendered(fault, scope["path"], outgoing.exchange.request_id)
    await outgoing({"type": "http.response.start", "status": status, "headers": headers})
    await outgoing({"type": "http.response.body", "body": body})


async def refuse_handshake(fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers the HTTP request that wanted to become a WebSocket."""
    await receive()
    status, headers, body = rendered(fault, scope["path"], scope["colloquy.exchange"].request_id)
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
