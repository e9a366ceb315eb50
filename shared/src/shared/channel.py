"""One open scope of this process: one subscription, shared by its readers, that notices what it missed and reads it."""

import asyncio
from collections.abc import Callable

import structlog

from shared.contract.subjects import Scope
from shared.follower import AGAIN_SECONDS, Follower
from shared.horizon import Horizon
from shared.jetstream import JetStream
from shared.reader import Reader, Reason
from shared.replay import Taker, replay
from shared.stored import PREVIOUS, SEQUENCE, Stored, field
from shared.wire import Wire

log: structlog.stdlib.BoundLogger = structlog.get_logger()

MAX_HELD = 128
"""Live events kept for readers that are still reading the past, or for the channel itself. With more they are read from the
stream, batch by batch: all at once would be more than a reader may be behind."""
MAX_SUBJECTS = 64
"""Subjects whose last sequence is remembered. A forgotten one is only checked against what is older than it."""
MAX_READS = 3
BEHIND_SECONDS = 0.05

Doubt = Callable[[Scope], None]
Empty = Callable[["Channel"], None]


class Channel(Taker):
    """Delivers each stored event of a scope to its readers, once and in order, from the moment it is opened.

    `position` is the last sequence delivered, or known to be before the first. While `settling` (opening, reconnected, a gap)
    live messages are kept aside until everything before them was delivered.
    """

    __slots__ = (
        "_doubt",
        "_early",
        "_empty",
        "_expected",
        "_last",
        "_live",
        "_lost",
        "_overflowed",
        "_reads",
        "_seen",
        "_sid",
        "_since",
        "_start",
        "_waiting",
        "_wire",
        "followers",
        "held",
        "held_after",
        "incarnation",
        "jetstream",
        "position",
        "scope",
        "settling",
    )

    def __init__(self, scope: Scope, wire: Wire, jetstream: JetStream, doubt: Doubt, empty: Empty) -> None:
        self.scope = scope
        self.jetstream = jetstream
        self.incarnation = b""
        self.position = self._since = self._start = self._last = self.held_after = 0
        self.settling = True
        self.followers = 0
        self.held: list[Stored] = []
        self._early: list[tuple[bytes, bytes, bytes]] | None = None
        self._seen: dict[bytes, int] = {}
        self._live: tuple[Follower, ...] = ()
        self._waiting: tuple[Follower, ...] = ()
        self._lost = self._overflowed = False
        self._expected = 0
        self._reads = 0
        self._wire = wire
        self._doubt = doubt
        self._empty = empty
        self._sid = wire.subscribe(scope.live, self.live)

    @property
    def closed(self) -> bool:
        """Nothing is heard any more."""
        return not self._sid

    def open(self, horizon: Horizon, after: int | None) -> None:
        """Begins at the end of the stream as it was told since the subscription, or behind an earlier sequence, by reading."""
        self._lost = False
        self.incarnation = horizon.incarnation.encode()
        self.position = self._since = self._start = horizon.last if after is None else after
        if after is None:
            self._settle()
        else:
            self._read()

    def learned(self, horizon: Horizon) -> None:
        """What the server says of the stream now. Lets the channel go on after a reconnect."""
        if not self.incarnation:
            return
        if self.incarnation != horizon.incarnation.encode():
            self.reset("other_store")
        elif self._lost:
            self._lost = False
            if self.position < horizon.first - 1:
                self.reset("too_old")
            elif self.position < horizon.last:
                self._read()
            else:
                self._settle()

    def lost(self) -> None:
        """The connection is gone. After it is back, `learned` must be called."""
        self._lost = self.settling = True
        self._early = None

    def live(self, subject: bytes, header: bytes | None, payload: bytes) -> None:
        """A live message. Called by the wire."""
        if header is None:
            return
        if self.settling:
            self._keep_aside(subject, header, payload)
            return
        sequence = int(field(header, SEQUENCE))
        if sequence <= self._last or sequence <= self._start:
            self._doubt(self.scope)  # F42: a stream's live sequence goes back only when the stream is another
            return
        self._last = sequence
        if sequence > self.position and self._follows(subject, sequence, int(field(header, PREVIOUS))):
            self._deliver(sequence, header, payload)

    def _follows(self, subject: bytes, sequence: int, previous: int) -> bool:
        """The chain check: is `previous`, the one before on its subject, the one that was delivered before?"""
        seen = self._seen
        known = seen.get(subject, self._since)
        seen[subject] = sequence
        if len(seen) > MAX_SUBJECTS:
            oldest = min(seen, key=seen.__getitem__)
            self._since = max(self._since, seen.pop(oldest))
        if previous <= known:
            return True
        log.warning("feed.gap", scope=self.scope.live, previous=previous, known=known, sequence=sequence)
        if previous < self.position:
            self.reset("gap")
        else:
            self._expected, self._reads = sequence, 0
            self._read()
        return False

    def _deliver(self, sequence: int, header: bytes, payload: bytes) -> None:
        self.position = sequence
        event = Stored(self.incarnation, sequence, header, payload)
        for follower in self._live:
            follower.reader.deliver(event)
        if self._waiting:
            self._hold(event)

    def _hold(self, event: Stored) -> None:
        if len(self.held) < MAX_HELD:
            self.held.append(event)
        else:
            self.held.clear()
            self.held_after = event.sequence
        for follower in self._waiting:
            follower.heard_live(event)

    def _keep_aside(self, subject: bytes, header: bytes, payload: bytes) -> None:
        if self._early is None:
            self._early = []
        if len(self._early) < MAX_HELD:
            self._early.append((subject, header, payload))
        else:
            self._early.clear()
            self._overflowed = True

    def _settle(self) -> None:
        """Everything before the messages kept aside was delivered: now those, then the readers that waited."""
        if self._overflowed:
            self._overflowed = False
            self._read()
            return
        early, self._early = self._early, None
        self.settling = False
        for message in early or ():
            self.live(*message)
        for follower in self._waiting:
            follower.proceed()

    # --- reading what was missed, as a Taker -------------------------------------------------------------------------

    def _read(self) -> None:
        self.settling = True
        replay(self.jetstream, self.scope, self.position, self)

    def replayed(self, header: bytes, payload: bytes) -> None:
        sequence = int(field(header, SEQUENCE))
        if self._sid and sequence > self.position:
            self._deliver(sequence, header, payload)

    def batch_ended(self, more: bool) -> None:
        if not self._sid or self._lost:
            return
        if more:
            self._read()
        elif self.position < self._expected:
            self._read_again()
        else:
            self._expected, self._reads = 0, 0
            self._since = max(self._since, self.position)
            self._seen.clear()
            self._settle()

    def batch_failed(self) -> None:
        # After a lost connection `learned` begins anew; otherwise the server was not ready.
        if self._sid and not self._lost:
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._retry)

    def _retry(self) -> None:
        if self._sid and self.settling and not self._lost:
            self._read()

    def _read_again(self) -> None:
        """A replica may be a little behind the one that sent the live message; what stays missing is gone."""
        self._reads += 1
        if self._reads < MAX_READS:
            asyncio.get_running_loop().call_later(BEHIND_SECONDS, self._retry)
        else:
            self.reset("gap")

    # --- the readers -------------------------------------------------------------------------------------------------

    def admit(self, reader: Reader) -> Follower:
        """A reader that will `start`, or `detach`. Keeps the channel open."""
        self.followers += 1
        return Follower(self, reader)

    def wait(self, follower: Follower) -> None:
        """This one is reading the past: hold what comes meanwhile."""
        if not self._waiting:
            self.held_after = self.position
        self._waiting += (follower,)

    def join(self, follower: Follower) -> None:
        """From now on this one hears what the channel delivers."""
        self._stop_waiting(follower)
        self._live += (follower,)

    def leave(self, follower: Follower) -> None:
        """Called by a follower that was detached. The last one closes the channel."""
        self._stop_waiting(follower)
        self._live = tuple(other for other in self._live if other is not follower)
        self.followers -= 1
        if not self.followers:
            self.close()

    def _stop_waiting(self, follower: Follower) -> None:
        self._waiting = tuple(other for other in self._waiting if other is not follower)
        if not self._waiting:
            self.held.clear()

    def reset(self, reason: Reason) -> None:
        """Ends every reader, and the channel."""
        followers = (*self._live, *self._waiting)
        self.close()
        for follower in followers:
            follower.reset(reason)

    def close(self) -> None:
        """Hears nothing more. Idempotent."""
        if self._sid:
            self._wire.unsubscribe(self._sid)
            self._sid = 0
            self._empty(self)
