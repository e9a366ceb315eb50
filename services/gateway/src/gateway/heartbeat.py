"""One ticker for all open streams: heartbeats for the quiet ones, and an end for those that can't be written to."""

import asyncio
from collections.abc import Callable

from gateway.sink import Limits, Sink

TICKS = 10
"""In a heartbeat's time. In each tick a part of the sinks is visited, so that ten thousand pings don't fall into one turn."""
PARTS = 5


class Heartbeat:
    """Ticks while there is a sink. Each is visited twice in a heartbeat's time, and pinged when it was quiet for most of it."""

    def __init__(self, limits: Limits, blocked: set[Sink], ticked: Callable[[float], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = limits.heartbeat_seconds / TICKS
        self._quiet = limits.heartbeat_seconds * (PARTS + 0.5) / TICKS
        self._patience = limits.send_seconds
        self._blocked = blocked
        self._ticked = ticked
        self._parts: tuple[set[Sink], ...] = tuple(set[Sink]() for _ in range(PARTS))
        self._timer: asyncio.TimerHandle | None = None
        self._number = 0

    def add(self, sink: Sink) -> None:
        """From now on."""
        min(self._parts, key=len).add(sink)
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._tick)

    def remove(self, sink: Sink) -> None:
        """No more. Idempotent."""
        for part in self._parts:
            part.discard(sink)

    def _tick(self) -> None:
        now = self._loop.time()
        self._ticked(now)
        self._number += 1
        for sink in tuple(self._parts[self._number % PARTS]):
            if now - sink.written >= self._quiet:
                sink.ping()
        for sink in tuple(self._blocked):
            if now - sink.blocked_since >= self._patience:
                sink.cut("blocked")
        self._timer = self._loop.call_later(self._seconds, self._tick) if any(self._parts) else None
