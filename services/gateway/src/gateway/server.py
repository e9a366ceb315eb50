"""The HTTP server: uvicorn in our own event loop, under our own signals."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from gateway.connection import Connection, SocketConnection
from gateway.faults import CannotListen
from gateway.settings import GatewaySettings

BACKLOG = 4_096
"""1,000 readers that come back at once must not meet a full queue (F5)."""
KEEP_ALIVE_SECONDS = 65
HEADERS = [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer")]


class Server(uvicorn.Server):
    """uvicorn's server, which leaves the signals to `shared.service`."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Captures none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says when it listens."""
        await super().startup(sockets)
        self.listening.set()


@asynccontextmanager
async def serving(app: ASGIApp, settings: GatewaySettings) -> AsyncGenerator[int]:
    """Serves while the context is open; yields the port. Leaving lets running requests finish, for a while.

    Raises CannotListen.
    """
    listener = listen(settings)
    port: int = listener.getsockname()[1]
    server = Server(_config(app, settings))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve([listener]))
        await server.listening.wait()
        try:
            yield port
        finally:
            server.should_exit = True


def listen(settings: GatewaySettings) -> socket.socket:
    """The socket that was inherited, or a new one. Raises CannotListen."""
    try:
        if settings.fd is not None:
            return socket.socket(fileno=settings.fd)
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        place = f"file descriptor {settings.fd}" if settings.fd is not None else f"{settings.host}:{settings.port}"
        raise CannotListen(f"The gateway can't listen on {place}: {error.strerror}.") from None


def _config(app: ASGIApp, settings: GatewaySettings) -> uvicorn.Config:
    return uvicorn.Config(
        cast("Any", app),  # uvicorn types every ASGI message, Starlette doesn't
        http=Connection,
        ws=SocketConnection,
        ws_max_size=settings.body_bytes,
        ws_per_message_deflate=False,
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        headers=HEADERS,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
