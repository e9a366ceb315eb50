"""A model's server that misbehaves: raw sockets, so that it can send what no HTTP library would."""

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSE = HEAD + b"Connection: close\r\n\r\n"


class Exchange:
    """One request, and what is done to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.headers: dict[str, str] = {}
        self.body: dict[str, Any] = {}

    async def read(self) -> None:
        head = await self.reader.readuntil(b"\r\n\r\n")
        for line in head.decode("latin-1").split("\r\n")[1:-2]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self.body = json.loads(await self.reader.readexactly(int(self.headers["content-length"])))

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def plain(self, status: str, body: bytes, *headers: str) -> None:
        head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers))
        await self.raw(head.encode() + b"\r\n" + body)

    async def begin(self) -> None:
        await self.raw(CHUNKED)

    async def chunk(self, data: bytes) -> None:
        await self.raw(b"%x\r\n%b\r\n" % (len(data), data))

    async def say(self, text: str) -> None:
        await self.chunk(event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}))

    async def end(self, *, done: bool = True) -> None:
        last = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        await self.chunk(last + (b"data: [DONE]\n\n" if done else b""))
        await self.raw(b"0\r\n\r\n")

    async def hang(self) -> None:
        """Until the client closes the connection."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass

    def reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def event(payload: Any) -> bytes:
    return b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"


Behaviour = Callable[[Exchange], Awaitable[None]]


@dataclass
class FakeUpstream:
    """Counts what it was asked, and how many connections the client has closed."""

    url: str = ""
    requests: list[Exchange] = field(default_factory=list)
    closed: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))


@asynccontextmanager
async def upstream(*behaviours: Behaviour) -> AsyncGenerator[FakeUpstream]:
    """Listens; request number n meets behaviour n, or the last one."""
    fake, numbers = FakeUpstream(), count()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                exchange = Exchange(reader, writer)
                await exchange.read()
                fake.requests.append(exchange)
                await behaviours[min(next(numbers), len(behaviours) - 1)](exchange)
        fake.closed.release()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield fake
    finally:
        server.close()


async def asked(server: FakeUpstream) -> None:
    """Returns when a request has come."""
    async with asyncio.timeout(20):
        while not server.requests:
            await asyncio.sleep(0.01)


# --- how servers misbehave -------------------------------------------------------------------------------------------


async def well(x: Exchange) -> None:
    await x.begin()
    for part in ("Hé", "llo ", "🙂"):
        await x.say(part)
    await x.end()


async def counts(x: Exchange) -> None:
    await x.begin()
    await x.say("Ten")
    await x.say(" four")
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    await x.chunk(event({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": usage}))
    await x.end()


async def byte_by_byte(x: Exchange) -> None:
    await x.begin()
    for byte in event({"choices": [{"delta": {"content": "Héllo 🙂"}}]}):
        await x.chunk(bytes([byte]))
    await x.end()


async def closes_at_once(x: Exchange) -> None:
    x.writer.close()


async def hangs(x: Exchange) -> None:
    await x.hang()


async def hangs_after_headers(x: Exchange) -> None:
    await x.begin()
    await x.hang()


async def _comments(x: Exchange) -> None:
    with suppress(ConnectionError):
        while not x.reader.at_eof():
            await x.chunk(b": keep-alive\n\n")
            await asyncio.sleep(0.01)


async def only_comments(x: Exchange) -> None:
    await x.begin()
    await _comments(x)


async def only_empty_deltas(x: Exchange) -> None:
    await x.begin()
    with suppress(ConnectionError):
        while not x.reader.at_eof():
            await x.chunk(event({"choices": [{"delta": {"role": "assistant", "content": ""}}]}))
            await asyncio.sleep(0.01)


async def half_then_hangs(x: Exchange) -> None:
    await x.begin()
    await x.say("half")
    await x.hang()


async def half_then_comments(x: Exchange) -> None:
    await x.begin()
    await x.say("half")
    await _comments(x)


async def never_ends(x: Exchange) -> None:
    await x.begin()
    with suppress(ConnectionError):
        while not x.reader.at_eof():
            await x.say("x" * 100)


async def never_stops_thinking(x: Exchange) -> None:
    await x.begin()
    with suppress(ConnectionError):
        while not x.reader.at_eof():
            await x.chunk(event({"choices": [{"delta": {"reasoning": "x" * 100}}]}))


async def drips(x: Exchange) -> None:
    await x.begin()
    with suppress(ConnectionError):
        while not x.reader.at_eof():
            await x.say("x")
            await asyncio.sleep(0.05)


def refuses(status: str, *headers: str, body: bytes = b'{"error": {"message": "no"}}') -> Behaviour:
    async def behave(x: Exchange) -> None:
        await x.plain(status, body, *headers)

    return behave


async def dislikes_stream_options(x: Exchange) -> None:
    if "stream_options" in x.body:
        await x.plain("400 Bad Request", b'{"detail": "extra field: stream_options"}')
    else:
        await well(x)


async def compressed(x: Exchange) -> None:
    bomb = gzip.compress(b"data: " + b"x" * 5_000_000)
    await x.plain("200 OK", bomb, "Content-Type: text/event-stream", "Content-Encoding: gzip")


async def bad_json(x: Exchange) -> None:
    await x.begin()
    await x.say("half")
    await x.chunk(b"data: {oops\n\n")
    await x.hang()


async def bad_json_at_once(x: Exchange) -> None:
    await x.begin()
    await x.chunk(b"data: {oops\n\n")
    await x.hang()


async def begins_and_ends(x: Exchange) -> None:
    await x.begin()
    await x.raw(b"0\r\n\r\n")


async def late(x: Exchange) -> None:
    await x.begin()
    await asyncio.sleep(2.0)
    await x.say("Héllo 🙂")
    await x.end()


async def endless_line(x: Exchange) -> None:
    await x.begin()
    await x.say("half")
    await x.chunk(b"data: {")
    with suppress(ConnectionError):
        for _ in range(160):
            await x.chunk(b"x" * 65536)


async def ends_early(x: Exchange) -> None:
    await x.begin()
    await x.say("half")
    await x.raw(b"0\r\n\r\n")


async def half_then_closes(x: Exchange) -> None:
    await x.begin()
    await x.say("half")
    x.writer.close()


async def half_then_resets(x: Exchange) -> None:
    await x.begin()
    await x.say("half")
    await asyncio.sleep(0.05)
    x.reset()


async def resets(x: Exchange) -> None:
    x.reset()


async def too_little_content(x: Exchange) -> None:
    half = event({"choices": [{"delta": {"content": "half"}}]})
    await x.raw(HEAD + b"Content-Length: 9999\r\n\r\n" + half)
    x.writer.close()


async def bad_chunk_sizes(x: Exchange) -> None:
    await x.begin()
    await x.say("half")
    await x.raw(b"zz\r\nwhat\r\n")
    await x.hang()


async def error_in_mid_stream(x: Exchange) -> None:
    await x.begin()
    await x.say("half")
    await x.chunk(event({"error": {"message": "CUDA out of memory", "type": "server_error"}}))
    await x.hang()


async def unclosed_tool_call(x: Exchange) -> None:
    await x.begin()
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x'}}
    await x.chunk(event({"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}))
    await x.end()


async def answers_with_json(x: Exchange) -> None:
    body = {"choices": [{"message": {"content": "Héllo 🙂"}, "finish_reason": "stop"}]}
    await x.plain("200 OK", json.dumps(body).encode(), "Content-Type: application/json")


async def closes_without_done(x: Exchange) -> None:
    await x.raw(UNTIL_CLOSE)
    await x.raw(event({"choices": [{"delta": {"content": "Héllo 🙂"}, "finish_reason": "stop"}]}))
    x.writer.close()


async def finishes_but_stays_open(x: Exchange) -> None:
    await x.begin()
    await x.chunk(event({"choices": [{"delta": {"content": "Héllo 🙂"}, "finish_reason": "stop"}]}))
    await x.hang()


async def speaks_no_http(x: Exchange) -> None:
    await x.raw(b"220 mail.example.com ESMTP\r\n\r\n")
    await x.hang()


async def endless_headers(x: Exchange) -> None:
    await x.raw(b"HTTP/1.1 200 OK\r\n")
    with suppress(ConnectionError):
        for _ in range(64):
            await x.raw(b"X-A: " + b"a" * 65536 + b"\r\n")


async def endless_error(x: Exchange) -> None:
    await x.raw(b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n")
    with suppress(ConnectionError):
        while not x.reader.at_eof():
            await x.chunk(b"x" * 65536)
