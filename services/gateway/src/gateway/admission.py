"""Who may have how much: messages and changes per minute, open streams, work in progress. Counted per gateway process."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway.faults import Overloaded, TooManyStreams
from gateway.settings import GatewaySettings
from shared.errors import TooMany

MAX_BUCKETS = 50_000
"""Users whose rate is remembered; the one who was quiet for longest is forgotten first, with a bucket that is full again."""


@dataclass(slots=True)
class Bucket:
    """Tokens that a user has left, as of `at`."""

    tokens: float
    at: float


class Buckets:
    """A token bucket for each user. `clock` counts seconds."""

    def __init__(self, per_minute: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate = per_minute / 60
        self._burst = float(burst)
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, user: str) -> None:
        """Takes one token. Raises TooMany with the time until there is one."""
        if not self._rate:
            return
        now = self._clock()
        bucket = self._bucket(user, now)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens < 1:
            raise TooMany(retry_after=(1 - bucket.tokens) / self._rate)
        bucket.tokens -= 1

    def _bucket(self, user: str, now: float) -> Bucket:
        bucket = self._buckets.setdefault(user, Bucket(self._burst, now))
        self._buckets.move_to_end(user)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return bucket


class Admission:
    """What this process lets in."""

    def __init__(self, settings: GatewaySettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._buckets = Buckets(settings.rate_per_minute, settings.rate_burst, clock)
        self._changes = Buckets(settings.changes_per_minute, settings.changes_burst, clock)
        self._streams: Counter[str] = Counter()
        self._open = 0
        self._requests = 0

    def message(self, user: str) -> None:
        """One more message of this user. Raises TooMany."""
        self._buckets.take(user)

    def change(self, user: str) -> None:
        """One more change of this user's state, or search in it. Raises TooMany."""
        self._changes.take(user)

    def stream_opens(self, user: str) -> None:
        """One more stream or socket, until `stream_closed`. Raises TooManyStreams or Overloaded."""
        if self._open >= self._settings.streams:
            raise Overloaded(retry_after=2)
        if self._streams[user] >= self._settings.streams_per_user:
            raise TooManyStreams(limit=self._settings.streams_per_user)
        self._streams[user] += 1
        self._open += 1

    def stream_closed(self, user: str) -> None:
        """One less."""
        self._open -= 1
        self._streams[user] -= 1
        if not self._streams[user]:
            del self._streams[user]

    @contextmanager
    def request(self) -> Generator[None]:
        """A request while it is worked on. Raises Overloaded."""
        if self._requests >= self._settings.requests:
            raise Overloaded
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1
