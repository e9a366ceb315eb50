"""How far back and how far on a feed stream reaches, and which incarnation of it this is."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from shared.cursor import Cursor, incarnation_of
from shared.errors import Unavailable
from shared.jetstream import JetStream
from shared.reader import Reason

RECENT_SECONDS = 2.0
WAIT_SECONDS = 2.0
AGAIN_SECONDS = 0.2
"""How soon a stream is asked for again whose server isn't ready yet."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """A stream at a moment: `first` and `last` are the sequences it holds."""

    incarnation: str
    first: int
    last: int
    at: float

    def refuses(self, cursor: Cursor) -> Reason | None:
        """Why this cursor can't be continued, if it can't."""
        if cursor.incarnation != self.incarnation or cursor.sequence > self.last:
            return "other_store"
        return "too_old" if cursor.sequence < self.first - 1 else None


Learned = Callable[[str, Horizon], None]


class Horizons:
    """Asks for a stream's horizon once for all who wait, and tells `learned` what comes."""

    def __init__(self, jetstream: JetStream, learned: Learned) -> None:
        self._jetstream = jetstream
        self._learned = learned
        self._loop = asyncio.get_running_loop()
        self._known: dict[str, Horizon] = {}
        self._waiting: dict[str, list[asyncio.Future[Horizon]]] = {}
        self._open: set[str] = set()

    async def recent(self, stream: str) -> Horizon:
        """A horizon of the last seconds. Raises Unavailable."""
        known = self._known.get(stream)
        if known is not None and known.at > self._loop.time() - RECENT_SECONDS:
            return known
        return await self.fresh(stream)

    async def fresh(self, stream: str) -> Horizon:
        """The horizon of a moment after this call. Raises Unavailable when NATS doesn't tell it in two seconds."""
        answer: asyncio.Future[Horizon] = self._loop.create_future()
        self.look(stream)
        self._waiting[stream].append(answer)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await answer
        except TimeoutError:
            raise Unavailable from None

    def look(self, stream: str) -> None:
        """Asks, and goes on asking until it is known; `learned` hears of it."""
        if stream not in self._waiting:
            self._waiting[stream] = []
            if stream not in self._open:
                self._loop.call_soon(self._ask, stream)

    def _ask(self, stream: str) -> None:
        if stream in self._waiting and stream not in self._open:
            self._open.add(stream)
            question = _Question(self, stream, self._waiting.pop(stream))
            self._jetstream.ask(b"$JS.API.STREAM.INFO." + stream.encode(), b"", question, urgent=True)

    def answered(self, stream: str, waiting: list[asyncio.Future[Horizon]], info: dict[str, Any] | None) -> None:
        """Called by the question with what the server said, or None."""
        self._open.discard(stream)
        if info is None:
            self._waiting.setdefault(stream, []).extend(waiter for waiter in waiting if not waiter.done())
            self._loop.call_later(AGAIN_SECONDS, self._ask, stream)
            return
        state = info["state"]
        horizon = Horizon(incarnation_of(info["created"]), state["first_seq"], state["last_seq"], self._loop.time())
        self._known[stream] = horizon
        self._learned(stream, horizon)
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(horizon)
        self._ask(stream)


class _Question:
    """One STREAM.INFO on its way."""

    def __init__(self, horizons: Horizons, stream: str, waiting: list[asyncio.Future[Horizon]]) -> None:
        self._answered = partial(horizons.answered, stream, waiting)

    def heard(self, header: bytes | None, payload: bytes) -> bool:
        # An empty answer is "no responders": JetStream isn't up yet (F12).
        info: dict[str, Any] = json.loads(payload) if payload else {}
        self._answered(info if "state" in info else None)
        return True

    def failed(self) -> None:
        self._answered(None)
