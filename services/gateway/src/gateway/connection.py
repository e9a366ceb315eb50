"""A client's connection below HTTP: its head bounded in bytes and in time (S22), its sockets refused and cut properly."""

from asyncio import TimerHandle, Transport
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway.faults import BadRequest
from gateway.lean import Event, Pipeline
from gateway.protocol import ABORT, AbortableProtocol
from gateway.rendering import rendered
from shared.ids import new_id

HEAD_BYTES = 64 * 1024
"""Where the connection is cut. Smaller limits are the edge's, which can answer properly."""
HEAD_SECONDS = 15.0
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Connection(AbortableProtocol):
    """uvicorn itself collects headers without limit, for as long as the client likes."""

    # Two more attributes would make the dict of every connection one of its own, of 2 KiB.
    __slots__ = ("_head_bytes", "_patience")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.pipeline = cast("Any", Pipeline())
        self._head_bytes = 0
        self._patience: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:
        """Somebody is there."""
        super().connection_made(transport)
        self.flow._is_writable_event = Event(value=True)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def data_received(self, data: bytes) -> None:
        """Counts what comes until the head is complete."""
        super().data_received(data)
        if self._patience is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self.transport.write(TOO_LARGE)
                self._give_up()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._head_bytes = 0
        self._forget()
        self._patience = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._forget()
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:  # its task has not begun, so nobody waits for the event that it was made with
            self.cycle.message_event = Event()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, or of no method that there is, gets the shape of every error too, and the connection ends."""
        _, headers, body = rendered(BadRequest(), "/", new_id("e"))
        lines = [b"HTTP/1.1 400 Bad Request", *(b"%b: %b" % header for header in headers), b"connection: close"]
        self.transport.write(b"\r\n".join([*lines, b"", body]))
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody to wait for."""
        self._forget()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        self._forget()
        self.transport.close()

    def _forget(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class SocketConnection(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol (0.54.0, pinned)."""

    def handle_connect(self, event: Any) -> None:
        """A handshake: its scope gets the function that ends the connection at once, for readers that don't read."""
        super().handle_connect(event)
        if not self.handshake_complete:  # it is, when it was refused: then there is no scope
            cast("dict[str, Any]", self.scope)["extensions"][ABORT] = self.transport.abort

    async def send(self, message: Any) -> None:
        """uvicorn takes a handshake that was answered with another status for one that was forgotten, and logs an error."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True
