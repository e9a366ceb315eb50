"""Follow one conversation or one user from a cursor: what is stored, then what is live, each event once and in order."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from shared.bus import Bus
from shared.channel import Channel
from shared.contract.subjects import Scope
from shared.cursor import Cursor
from shared.errors import Unavailable
from shared.follower import Follower
from shared.horizon import Horizon, Horizons
from shared.jetstream import JetStream
from shared.reader import Attachment, Reader, Reset
from shared.stored import SEQUENCE, Stored, field

__all__ = ["Attachment", "Cursor", "Feed", "Reader", "Reset", "Stored"]

ATTEMPTS = 3

NEAR = 128
"""A cursor that is at most so far back is where a new channel begins: one question, for what came since, instead of two."""


class Feed:
    """All that this process follows: one subscription for each scope that is open, shared by its readers."""

    def __init__(self, bus: Bus) -> None:
        self._wire = bus.wire
        self._channels: dict[str, Channel] = {}
        self._incarnations: dict[str, str] = {}
        self._returning: set[str] = set()
        # The channels must know first that the connection is lost, and their questions then.
        self._wire.on_lost(self._lost)
        self._jetstream = JetStream(self._wire)
        self._horizons = Horizons(self._jetstream, self._learned)
        self._wire.on_back(self._back)

    @property
    def channels(self) -> int:
        """How many scopes are open."""
        return len(self._channels)

    async def head(self, scope: Scope) -> Cursor:
        """The cursor of now: what is stored later comes after it. Raises Unavailable."""
        horizon = await self._horizons.fresh(scope.stream)
        return Cursor(horizon.incarnation, horizon.last)

    async def recent(self, scope: Scope) -> Cursor:
        """A cursor of the last seconds: enough where nothing of the scope is older, and mostly without asking."""
        horizon = await self._horizons.recent(scope.stream)
        return Cursor(horizon.incarnation, horizon.last)

    async def before(self, scope: Scope, log: str) -> Cursor | None:
        """The cursor just before the first stored message of subject `log` (a running answer's token log), or None."""
        horizon = await self._horizons.recent(scope.stream)
        sequence = await self._first(scope, log)
        return Cursor(horizon.incarnation, sequence - 1) if sequence else None

    async def attach(self, scope: Scope, after: Cursor | None, reader: Reader) -> Attachment:
        """Delivers to `reader` every event of `scope` after the cursor (None: from now), then what comes.

        Returns as soon as the replay is under way. Raises Unavailable when NATS does not answer.
        """
        for _ in range(ATTEMPTS):
            channel = self._channels.get(scope.feed) or self._open(scope)
            follower = channel.admit(reader)
            if await self._start(channel, follower, after):
                return follower
        raise Unavailable

    async def follow(self, scope: Scope, after: Cursor | None, *, limit: int = 1024) -> AsyncGenerator[Stored]:
        """The same as an async iterator, for handlers that wait for an answer, tests and terminals.

        Holds at most `limit` events; a slower consumer is read again from where it is. Raises Reset when the cursor can't be
        continued. Close it (`contextlib.aclosing`) when leaving early.
        """
        basket = _Basket(limit)
        attachment = await self.attach(scope, after, basket)
        try:
            while True:
                for event in await basket.taken():
                    yield event
                    after = event.cursor
                if basket.overflowed:
                    attachment.detach()
                    basket = _Basket(limit)
                    attachment = await self.attach(scope, after, basket)
        finally:
            attachment.detach()

    def _open(self, scope: Scope) -> Channel:
        channel = Channel(scope, self._wire, self._jetstream, self._doubt, self._closed)
        self._channels[scope.feed] = channel
        return channel

    async def _start(self, channel: Channel, follower: Follower, after: Cursor | None) -> bool:
        """False when the channel was reset meanwhile."""
        started = False
        try:
            horizon = await self._horizon(channel, after)
            if not channel.incarnation:
                channel.open(horizon, after.sequence if after is not None and _near(horizon, after) else None)
            started = True
        finally:
            if not started:
                follower.detach()
        if channel.closed:
            return False
        if after is not None and (reason := horizon.refuses(after)):
            follower.reset(reason)
        else:
            follower.start(after.sequence if after is not None else None)
        return True

    async def _horizon(self, channel: Channel, after: Cursor | None) -> Horizon:
        """A new channel begins at a moment after its subscription, or at a cursor that is near; an open one only needs to know
        how old cursors may be."""
        stream = channel.scope.stream
        if after is None and not channel.incarnation:
            return await self._horizons.fresh(stream)
        horizon = await self._horizons.recent(stream)
        if after is None or not (horizon.refuses(after) or (not channel.incarnation and not _near(horizon, after))):
            return horizon
        return await self._horizons.fresh(stream)

    async def _first(self, scope: Scope, log: str) -> int | None:
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        question = b'{"seq":1,"next_by_subj":"%b"}' % log.encode()
        self._jetstream.ask(f"$JS.API.DIRECT.GET.{scope.stream}".encode(), question, _One(answer))
        return await answer

    def _doubt(self, scope: Scope) -> None:
        self._horizons.look(scope.stream)

    def _closed(self, channel: Channel) -> None:
        if self._channels.get(channel.scope.feed) is channel:
            del self._channels[channel.scope.feed]

    def _lost(self) -> None:
        for channel in self._channels.values():
            channel.lost()

    def _back(self) -> None:
        self._returning = {channel.scope.stream for channel in self._channels.values()}
        for stream in self._returning:
            self._horizons.look(stream)

    def _learned(self, stream: str, horizon: Horizon) -> None:
        """Most of the time nothing is new, and the channels need not be asked."""
        if self._incarnations.get(stream) == horizon.incarnation and stream not in self._returning:
            return
        self._incarnations[stream] = horizon.incarnation
        self._returning.discard(stream)
        for channel in [channel for channel in self._channels.values() if channel.scope.stream == stream]:
            channel.learned(horizon)


def _near(horizon: Horizon, cursor: Cursor) -> bool:
    return not horizon.refuses(cursor) and horizon.last - cursor.sequence <= NEAR


class _One:
    """The sequence of a single message, or None."""

    def __init__(self, answer: asyncio.Future[int | None]) -> None:
        self._answer = answer

    def heard(self, header: bytes | None, payload: bytes) -> bool:
        if header is None or (header[8:9] == b" " and header[9:12] != b"404"):
            self.failed()
        elif not self._answer.done():
            self._answer.set_result(int(field(header, SEQUENCE) or 0) or None)
        return True

    def failed(self) -> None:
        if not self._answer.done():
            self._answer.set_exception(Unavailable())


class _Basket:
    """A reader that keeps events until somebody takes all of them at once."""

    def __init__(self, limit: int) -> None:
        self.overflowed = False
        self._limit = limit
        self._events: list[Stored] = []
        self._reason: str | None = None
        self._go_on: Callable[[], None] | None = None
        self._wake: asyncio.Future[None] | None = None

    def deliver(self, event: Stored) -> None:
        if len(self._events) >= self._limit or self.overflowed:
            self.overflowed = True
            return
        self._events.append(event)
        self._stir()

    def reset(self, reason: str) -> None:
        self._reason = reason
        self._stir()

    def when_taken(self, go_on: Callable[[], None]) -> None:
        self._go_on = go_on
        self._stir()

    def caught_up(self) -> None: ...

    async def taken(self) -> list[Stored]:
        """What has come since the last time, at least one event unless it overflowed. Raises Reset."""
        while not self._events and not self.overflowed:
            if self._reason is not None:
                raise Reset(self._reason)
            self._ask_on()
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        events, self._events = self._events, []
        return events

    def _ask_on(self) -> None:
        go_on, self._go_on = self._go_on, None
        if go_on is not None:
            go_on()

    def _stir(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
