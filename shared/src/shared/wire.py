"""The fast lane on nats-py's connection: chosen subscriptions are heard by plain functions, called from the parser."""

# nats-py 2.16.0 is pinned; this is the one file that touches its private names, and `check` says so when they change.
# Measured: 0.9 µs for a message heard here, 4.2 µs for a callback of nats-py, 13 µs for its iterators.
# pyright: reportPrivateUsage=false
# ruff: noqa: SLF001

import asyncio
from collections.abc import Callable

import structlog
from nats.aio.client import Client, __version__
from nats.aio.transport import TcpTransport
from nats.errors import ProtocolError
from nats.protocol.parser import AWAITING_CONTROL_LINE, Parser

log: structlog.stdlib.BoundLogger = structlog.get_logger()

Heard = Callable[[bytes, bytes | None, bytes], None]
"""Takes subject, header block or None, and payload. Called inside the read loop: must be quick."""
Asked = Callable[[bytes, bytes, bytes | None, bytes], None]
"""The same for messages that want an answer: subject, reply subject, header block or None, payload."""
Hook = Callable[[], None]

NATS_PY = "2.16.0"
PRIVATE = ("_ps", "_transport", "_sid", "_disconnected_cb", "_reconnected_cb", "_process_msg")

MAX_BACKLOG = 16 * 1024 * 1024
"""Bytes that may wait for a server which has stopped reading; then `publish` refuses, rather than fill the memory."""

_M, _H = b"MH"


class Offline(Exception):
    """There is no connection to NATS right now, or it takes nothing more."""


class Wire:
    """Subscribes and publishes beside nats-py, on its connection. Made once, after `connect`; the bus has it as `wire`.

    What is sent here keeps its order, but has none with what is sent by nats-py's own methods.
    """

    def __init__(self, client: Client) -> None:
        check(client)
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._subscribed: dict[int, bytes] = {}
        self._out: list[bytes] = []
        self._lost_hooks: list[Hook] = []
        self._back_hooks: list[Hook] = []
        self._live = client.is_connected
        self._parser = _FastParser(client)
        client._ps = self._parser
        self._wrap_callbacks()
        self.inbox = client.new_inbox()
        """A subject prefix, without a dot at its end, on which only this connection may listen."""

    @property
    def live(self) -> bool:
        """Connected, and every subscription is in place."""
        return self._live and self._client.is_connected

    def new_inbox(self) -> str:
        """Another prefix like `inbox`, for a part that wants its own."""
        return self._client.new_inbox()

    def subscribe(self, subject: str, heard: Heard) -> int:
        """Calls `heard` for each message from now on. Returns the number that `unsubscribe` takes."""
        sid = self._subscribe(subject, "")
        self._parser.heard[b"%d" % sid] = heard
        return sid

    def serve(self, subject: str, asked: Asked, *, queue: str = "") -> int:
        """Like `subscribe` with the reply subject (b"" when there is none); members of a `queue` share the messages."""
        sid = self._subscribe(subject, queue)
        self._parser.asked[b"%d" % sid] = asked
        return sid

    def unsubscribe(self, sid: int) -> None:
        """Hears nothing more. Idempotent."""
        if self._subscribed.pop(sid, None) is None:
            return
        self._parser.forget(b"%d" % sid)
        if self.live:
            self.send(b"UNSUB %d\r\n" % sid)

    def publish(self, subject: bytes, payload: bytes, *, reply: bytes = b"", header: bytes = b"") -> None:
        """Sends one message; `header` is the whole block with its `NATS/1.0` and the empty line. Raises Offline."""
        if not self.live or self._clogged():
            raise Offline
        if header:
            size = len(header)
            self.send(b"HPUB %b %b %d %d\r\n%b%b\r\n" % (subject, reply, size, size + len(payload), header, payload))
        else:
            self.send(b"PUB %b %b %d\r\n%b\r\n" % (subject, reply, len(payload), payload))

    def send(self, frame: bytes) -> None:
        """Whole frames of the protocol. What one turn of the loop sends goes out in one write."""
        if not self._out:
            self._loop.call_soon(self._write)
        self._out.append(frame)

    def abort(self) -> None:
        """Cuts the connection without sending what waits; nats-py would wait for a server that hangs to take it."""
        transport = self._client._transport
        if isinstance(transport, TcpTransport) and transport._io_writer is not None:
            transport._io_writer.transport.abort()

    def after_batch(self, hook: Hook) -> None:
        """Calls `hook` once after each chunk from the server in which somebody heard something."""
        self._parser.hooks.append(hook)

    def on_lost(self, hook: Hook) -> None:
        """Calls `hook` when the connection is lost or closed."""
        self._lost_hooks.append(hook)

    def on_back(self, hook: Hook) -> None:
        """Calls `hook` when it is back; all subscriptions were sent again before."""
        self._back_hooks.append(hook)

    def _subscribe(self, subject: str, queue: str) -> int:
        self._client._sid += 1
        sid = self._client._sid
        self._subscribed[sid] = f"SUB {subject} {queue} {sid}\r\n".encode()
        if self.live:
            self.send(self._subscribed[sid])
        return sid

    def _write(self) -> None:
        frames, self._out = self._out, []
        if frames and self._client.is_connected and self._client._transport is not None:
            self._client._transport.write(b"".join(frames))

    def _clogged(self) -> bool:
        transport = self._client._transport
        if not isinstance(transport, TcpTransport) or transport._io_writer is None:
            return False
        return transport._io_writer.transport.get_write_buffer_size() > MAX_BACKLOG

    def _wrap_callbacks(self) -> None:
        client, lost, back = self._client, self._client._disconnected_cb, self._client._reconnected_cb

        async def disconnected() -> None:
            self._lost()
            if lost is not None:
                await lost()

        async def reconnected() -> None:
            self._back()
            if back is not None:
                await back()

        client._disconnected_cb, client._reconnected_cb = disconnected, reconnected

    def _lost(self) -> None:
        self._live = False
        self._out.clear()
        _call(self._lost_hooks)

    def _back(self) -> None:
        self._out.clear()
        for frame in self._subscribed.values():
            self.send(frame)
        self._live = True
        _call(self._back_hooks)


class _FastParser(Parser):
    """Finds whole messages of the fast subscriptions by itself and leaves everything else to nats-py's own parser."""

    def __init__(self, client: Client) -> None:
        self.heard: dict[bytes, Heard] = {}
        self.asked: dict[bytes, Asked] = {}
        self.hooks: list[Hook] = []
        super().__init__(client)
        stock = client._ps
        self.buf, self.state, self.needed = stock.buf, stock.state, stock.needed
        self.header_needed, self.msg_arg = stock.header_needed, stock.msg_arg

    def reset(self) -> None:
        """Called by nats-py when the connection is lost: what is half read will never be whole."""
        super().reset()
        self._missing = 0
        self._lost = True

    def forget(self, sid: bytes) -> None:
        self.heard.pop(sid, None)
        self.asked.pop(sid, None)

    async def parse(self, data: bytes = b"") -> None:
        """Everything whole in what came; the rest waits in `buf`. Raises ProtocolError."""
        data = await self._finish(data)
        if self.buf:
            self.buf.extend(data)
            if len(self.buf) < self._missing:
                return
            data = bytes(self.buf)
            self.buf.clear()
        self._lost, self._missing = False, 0
        try:
            rest = await self._take(data)
        except (IndexError, ValueError) as error:
            raise ProtocolError from error
        if not self._lost:
            self.buf.extend(data[rest:])
        _call(self.hooks)

    async def _finish(self, data: bytes) -> bytes:
        """nats-py may have been inside a message when this parser took over: that one is still its own."""
        if self.state == AWAITING_CONTROL_LINE:
            return data
        cut = max(self.needed + 2 - len(self.buf), 0)
        await super().parse(data[:cut])
        return data[cut:]

    async def _take(self, data: bytes) -> int:
        """Returns where the first frame begins that is not whole."""
        position = 0
        while True:
            position = self._hear(data, position)
            end = self._whole(data, position)
            if not end or self._lost:
                return position
            await self._leave(data[position:end])
            position = end

    def _hear(self, data: bytes, position: int) -> int:
        """Dispatches messages of `heard`. Returns where one begins that is another's, or not whole."""
        size, find, hearers = len(data), data.find, self.heard
        while position < size:
            end = find(b"\r\n", position)
            words = data[position:end].split(b" ")
            if end < 0 or len(words) < 4 or (heard := hearers.get(words[2])) is None:
                break
            body = end + 2
            stop = body + int(words[-1])
            if stop + 2 > size:
                break
            payload = body if data[position] == _M else body + int(words[-2])
            position = stop + 2
            try:
                heard(words[1], data[body:payload] or None, data[payload:stop])
            except Exception:  # T3: an exception here would end nats-py's read loop in silence
                log.exception("wire.hearer_failed")
        return position

    def _whole(self, data: bytes, position: int) -> int:
        """Where the frame that begins here ends; 0 when not all of it has come."""
        end = data.find(b"\r\n", position) + 2
        if end < 2:
            return 0
        if data[position] in (_M, _H):
            end += int(data[position : end - 2].rsplit(b" ", 1)[1]) + 2
        if end > len(data):
            self._missing = end - position
            return 0
        return end

    async def _leave(self, frame: bytes) -> None:
        """A frame for `asked`, or for nats-py."""
        line, _, rest = frame.partition(b"\r\n")
        words = line.split(b" ")
        asked = self.asked.get(words[2]) if len(words) > 3 else None
        if asked is None:
            await super().parse(frame)
            return
        header = int(words[-2]) if words[0] == b"HMSG" else 0
        reply = words[3] if len(words) == (6 if header else 5) else b""
        try:
            asked(words[1], reply, rest[:header] or None, rest[header:-2])
        except Exception:  # T3, as above
            log.exception("wire.asked_failed")


def _call(hooks: list[Hook]) -> None:
    for hook in hooks:
        try:
            hook()
        except Exception:  # T3 and T18: a hook must not end the read loop or the reconnecting
            log.exception("wire.hook_failed")


def check(client: Client) -> None:
    """Raises RuntimeError when this is not the nats-py whose insides we know."""
    missing = [name for name in PRIVATE if not hasattr(client, name)]
    if __version__ != NATS_PY or missing:
        raise RuntimeError(f"shared/wire.py knows nats-py {NATS_PY}, this is {__version__}; missing: {missing}")
