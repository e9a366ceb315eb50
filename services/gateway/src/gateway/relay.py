"""Relays the feed to open HTTP responses as server-sent events."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from prometheus_client import Counter, Gauge

from gateway import sse
from gateway.excerpt import Excerpt, Turn
from gateway.heartbeat import Heartbeat
from gateway.protocol import ABORT
from gateway.sink import Cut, Limits, Send, Sink
from shared.contract.subjects import Scope
from shared.errors import Unavailable
from shared.feed import Cursor, Feed

__all__ = ["Limits", "Relay"]

log: structlog.stdlib.BoundLogger = structlog.get_logger()

STREAMS = Gauge("colloquy_relay_streams_open", "Open event streams.")
FRAMES = Counter("colloquy_relay_frames_total", "Server-sent events and heartbeats that were written.")
CUTS = Counter(
    "colloquy_relay_cuts_total", "Streams that were given up, because their reader was too slow or gone.", ("reason",)
)
RESETS = Counter("colloquy_relay_resets_total", "Streams whose cursor could not be continued.", ("reason",))

CLOSE_SECONDS = 1.5
"""For the last frames to go out when the process was told to stop; every stream is gone within 2 s."""

Receive = Callable[[], Awaitable[Any]]


class Relay:
    """All open streams of this process."""

    def __init__(self, feed: Feed, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time()
        """The time of the last tick: exact enough for what is measured in seconds."""
        self.frames = 0
        self.blocked: set[Sink] = set()
        self._counted = 0
        self._feed = feed
        self._sinks: set[Sink] = set()
        self._touched: list[Sink] = []
        self._heartbeat = Heartbeat(self.limits, self.blocked, self._ticked)
        self._closing = False
        self._none_left: asyncio.Future[None] | None = None

    async def serve(  # noqa: PLR0913 - all but the server's three by name
        self,
        asgi_scope: Any,
        receive: Receive,
        send: Send,
        *,
        scope: Scope,
        after: Cursor | None = None,
        until: str | None = None,
        ended: bool = False,
        expires: float | None = None,
        only: Turn | None = None,
    ) -> None:
        """Answers a request with the events of `scope` after the cursor (None: from now), until the client leaves.

        `until` names a generation or a message (of the user, or its answer): the stream ends after its last event. `ended` says
        that this one is over, so what is stored is all there is. `only` leaves out every other turn. `expires` is the loop's
        time at which the stream must end.
        Raises Unavailable before anything was sent, when NATS doesn't answer or the process is about to stop.
        """
        if self._closing:
            raise Unavailable
        sink = Sink(self, send, _abort(asgi_scope), until, ended)
        sink.feed = scope.feed
        reader = sink if only is None else Excerpt(only, sink)
        sink.attached(await self._feed.attach(scope, after, reader))
        expiry = self._loop.call_at(expires, sink.end, sse.EXPIRED) if expires is not None else None
        self._opened(sink)
        try:
            await send(sse.START)
            sink.open()
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            if expiry is not None:
                expiry.cancel()
            self._left(sink)

    async def close(self) -> None:
        """Tells every reader to come back with its cursor, and ends its stream. Returns when all are gone, within 2 s."""
        self._closing = True
        for sink in tuple(self._sinks):
            sink.end(sse.RECONNECT)
        if not self._sinks:
            return
        self._none_left = self._loop.create_future()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._none_left
        except TimeoutError:
            log.warning("relay.readers_cut", streams=len(self._sinks))
            for sink in tuple(self._sinks):
                sink.cut("closing")

    def dismiss(self, scope: Scope) -> None:
        """Ends every stream of this user's scope: what it would go on with is erased."""
        owned = scope.feed.removesuffix(">")
        for sink in tuple(self._sinks):
            if sink.feed.startswith(owned):
                sink.reset("erased")

    @property
    def streams(self) -> int:
        """How many are open."""
        return len(self._sinks)

    # --- as the sinks' Hub -------------------------------------------------------------------------------------------

    def touch(self, sink: Sink) -> None:
        if not self._touched:
            self._loop.call_soon(self._flush)
        self._touched.append(sink)

    def was_cut(self, reason: Cut) -> None:
        if reason != "gone":
            CUTS.labels(reason).inc()
            log.info("relay.reader_cut", reason=reason)

    def was_reset(self, reason: str) -> None:
        RESETS.labels(reason).inc()

    def _flush(self) -> None:
        touched, self._touched = self._touched, []
        for sink in touched:
            sink.flush()

    def _opened(self, sink: Sink) -> None:
        self._sinks.add(sink)
        self._heartbeat.add(sink)
        STREAMS.set(len(self._sinks))
        if self._closing:
            sink.end(sse.RECONNECT)

    def _left(self, sink: Sink) -> None:
        sink.close()
        self._sinks.discard(sink)
        self._heartbeat.remove(sink)
        STREAMS.set(len(self._sinks))
        if not self._sinks and self._none_left is not None and not self._none_left.done():
            self._none_left.set_result(None)

    def _ticked(self, now: float) -> None:
        self.now = now
        FRAMES.inc(self.frames - self._counted)
        self._counted = self.frames


def _abort(asgi_scope: Any) -> Callable[[], object]:
    """How to end a connection that takes nothing more. Another server than ours only ends the request."""
    extensions: dict[str, Callable[[], object]] = asgi_scope.get("extensions") or {}
    task = asyncio.current_task()
    return extensions.get(ABORT) or (task.cancel if task is not None else lambda: None)
