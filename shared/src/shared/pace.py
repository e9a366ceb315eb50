"""How fast to publish: who sends again what is only late makes a slow disk slower, just when it can bear it least.

As TCP does it (RFC 6298, RFC 5681): patience follows what acks have taken, doubles with each repetition, and while nothing is
confirmed, one message at a time is sent again and little that is new is sent at all.
"""

from typing import Final

WINDOW: Final = 2_048
"""Unacknowledged at a time. A stream's ingest queue takes 10,000 and drops the rest in silence."""

LEAST: Final = 64
"""The same after something was overdue. It doubles with each round of acks."""

FIRST_SECONDS: Final = 2.0
LONGEST_SECONDS: Final = 30.0
SMOOTHING: Final = 16


class Pace:
    """What the acks so far say about the server."""

    __slots__ = ("_latency", "repeats", "window")

    def __init__(self) -> None:
        self.window = WINDOW
        self.repeats = 1
        """How many may be under way for a second time."""
        self._latency = 0.0

    def confirmed(self, seconds: float, *, again: bool) -> None:
        """An ack came after so long; `again`: of a message that was sent more than once."""
        self._latency += (seconds - self._latency) / SMOOTHING
        if self.window < WINDOW:
            self.window += 1
        if again:
            self.repeats = min(2 * self.repeats, WINDOW)

    def overdue(self, *, again: bool) -> None:
        """No ack came in time; `again`: not for a repetition either."""
        self.window = LEAST
        if again:
            self.repeats = 1

    def patience(self, attempts: int, chance: float) -> float:
        """Seconds to wait for the ack of this attempt, counting from 1; `chance` is from [0, 1)."""
        seconds = max(FIRST_SECONDS, 2 * self._latency) * 2.0 ** min(attempts - 1, 8)
        return min(seconds, LONGEST_SECONDS) * (1.0 if attempts == 1 else 0.75 + chance / 2)
