"""A cheap HTTP client for loads: one socket, one request at a time, bytes looked for and not parsed."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import cast

BOUNDARY = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


@dataclass
class Turn:
    """What one streamed request looked like from outside, in seconds since it was sent."""

    first: float = 0.0
    total: float = 0.0
    status: int = 0
    body: bytes = b""
    marks: list[float] = field(default_factory=list[float])


class Connection(asyncio.Protocol):
    """A kept-alive connection."""

    def __init__(self) -> None:
        self.transport = cast("asyncio.Transport", None)
        self._parts: list[bytes] = []
        self._turn = Turn()
        self._done: asyncio.Future[None] | None = None
        self._mark = b""
        self._sent = 0.0

    @classmethod
    async def open(cls, host: str, port: int) -> "Connection":
        """A new connection."""
        _, protocol = await asyncio.get_running_loop().create_connection(cls, host, port)
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of asyncio.Protocol. A response that was cut short has status 0."""
        if self._done and not self._done.done():
            self._turn.status = 0
            self._done.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Part of asyncio.Protocol."""
        now = time.perf_counter() - self._sent
        if not self._turn.first and self._mark in data:
            self._turn.first = now
        self._parts.append(data)
        if data.endswith(LAST_CHUNK) and self._done and not self._done.done():
            self._turn.total = now
            self._done.set_result(None)

    async def post(self, path: str, body: dict[str, object], mark: bytes, host: str = "127.0.0.1") -> Turn:
        """Posts JSON and reads a chunked response to its end. `mark` are the bytes whose first arrival is timed."""
        payload = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
        )
        self._parts, self._turn, self._mark = [], Turn(), mark
        self._done = asyncio.get_running_loop().create_future()
        self._sent = time.perf_counter()
        self.transport.write(head.encode() + payload)
        await self._done
        self._turn.body = b"".join(self._parts)
        if self._turn.total:
            self._turn.status = int(self._turn.body[9:12])
        return self._turn

    def close(self) -> None:
        """Hangs up."""
        self.transport.close()
