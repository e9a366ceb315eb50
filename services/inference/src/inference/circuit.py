"""A circuit breaker: who failed again and again is left alone for a while, and then tried by one. Pure, a function of time."""

from dataclasses import dataclass
from typing import Final, Literal

State = Literal["closed", "half_open", "open"]

LONGEST_TOLD: Final = 60.0
"""Seconds of a Retry-After that are believed: a server that names a day may be well again in a minute."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """After so many failures in a row it opens for so many seconds. 0 failures: it never opens."""

    failures: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Circuit:
    """What is known of one provider: failures in a row, and until when it is left alone."""

    failures: int = 0
    until: float = 0.0

    def state(self, breaker: Breaker, now: float) -> State:
        """Half open: whoever asks next, asks alone."""
        if not breaker.failures or self.failures < breaker.failures:
            return "closed"
        return "open" if now < self.until else "half_open"

    def asked(self, breaker: Breaker, now: float) -> "Circuit":
        """After somebody was let through: half open, the others wait as if it had failed. So nobody has to remember who tries,
        and one that is never heard of again costs one more such time."""
        if self.state(breaker, now) == "half_open":
            return Circuit(self.failures, now + breaker.seconds)
        return self

    def failed(self, breaker: Breaker, now: float, told: float | None = None) -> "Circuit":
        """After a failure; `told`: the seconds that the server asked for."""
        return Circuit(self.failures + 1, now + max(breaker.seconds, min(told or 0.0, LONGEST_TOLD)))

    def spoke(self, breaker: Breaker) -> "Circuit":
        """After a first token. It is trusted again, but one more failure opens it."""
        return Circuit(min(self.failures, max(breaker.failures - 1, 0)))


WELL: Final = Circuit()
"""Nothing is known, or the last answer came to its end."""
