"""How often a step is tried, and how long it waits in between."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

LONGEST_PAUSE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Retries:
    """`limit` more attempts after the first one, each after `delay` seconds, twice as long each time if `exponential`."""

    limit: int = 5
    delay: float = 10.0
    backoff: Literal["constant", "linear", "exponential"] = "exponential"

    def pause(self, failures: int) -> timedelta | None:
        """How long to wait after so many failed attempts; None: it was the last one."""
        if failures > self.limit:
            return None
        factor = {"constant": 1, "linear": failures, "exponential": 2 ** min(failures - 1, 30)}[self.backoff]
        return min(timedelta(seconds=min(self.delay * factor, 86_400)), LONGEST_PAUSE)


NEVER = Retries(limit=0)
