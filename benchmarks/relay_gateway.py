"""The process that is measured: our relay, and the same written the usual ways, behind the same server."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import nats
import structlog
import uvicorn
import uvloop
from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent
from nats.aio.client import Client
from nats.aio.msg import Msg

from gateway.protocol import AbortableProtocol
from gateway.relay import Relay
from shared.bus import Bus
from shared.contract.subjects import Scope, conversation_scope
from shared.feed import Cursor, Feed
from shared.wire import Wire

CONVERSATION = "c"


def ours(client: Client) -> Any:
    """Raw ASGI: `GET /USER`, or `GET /USER?all` from the first event on."""
    feed = Feed(cast("Bus", SimpleNamespace(wire=Wire(client))))
    relay = Relay(feed)
    incarnations: dict[str, str] = {}

    async def start(part: Scope) -> Cursor:
        if part.stream not in incarnations:
            incarnations[part.stream] = (await feed.head(part)).incarnation
        return Cursor(incarnations[part.stream], 0)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            part = conversation_scope(scope["path"][1:], CONVERSATION)
            after = await start(part) if scope["query_string"] else None
            await relay.serve(scope, receive, send, scope=part, after=after)

    return app


def usual(client: Client) -> FastAPI:
    """FastAPI's own server-sent events: a subscription of nats-py for each conversation, a queue for each client."""
    app = FastAPI()

    @app.get("/{user}", response_class=EventSourceResponse)
    async def stream(user: str) -> AsyncIterator[ServerSentEvent]:
        queue: asyncio.Queue[Msg] = asyncio.Queue()
        subscription = await client.subscribe(conversation_scope(user, CONVERSATION).live, cb=queue.put)
        try:
            while True:
                yield _event(await queue.get())
        finally:
            await subscription.unsubscribe()

    return app


def consumers(client: Client) -> FastAPI:
    """The same with an ordered consumer for each client, as JetStream's documentation has it."""
    app = FastAPI()
    stream_context = client.jetstream()

    @app.get("/{user}", response_class=EventSourceResponse)
    async def stream(user: str) -> AsyncIterator[ServerSentEvent]:
        scope = conversation_scope(user, CONVERSATION)
        subscription = await stream_context.subscribe(scope.feed, stream=scope.stream, ordered_consumer=True)
        try:
            async for message in subscription.messages:
                yield _event(message)
        finally:
            await subscription.unsubscribe()

    return app


def _event(message: Msg) -> ServerSentEvent:
    headers = message.headers or {}
    return ServerSentEvent(
        raw_data=message.data.decode(), event=headers.get("Event-Type"), id=headers.get("Nats-Sequence", "0")
    )


MODES = {"ours": ours, "usual": usual, "consumers": consumers}


async def serve(mode: str, url: str) -> None:
    """Prints its port and serves until it is terminated."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    client = await nats.connect(url)
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    http = AbortableProtocol if mode == "ours" else "httptools"
    config = uvicorn.Config(MODES[mode](client), http=http, lifespan="off", access_log=False, log_level="warning", backlog=4096)
    print(listening.getsockname()[1], flush=True)
    await uvicorn.Server(config).serve(sockets=[listening])


def main() -> None:
    """`relay_gateway MODE URL`."""
    uvloop.run(serve(*sys.argv[1:]))
