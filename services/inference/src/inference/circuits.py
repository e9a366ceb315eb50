"""The circuits of all providers of this process."""

from collections.abc import Callable
from time import monotonic
from typing import Final

import structlog

from inference import metrics
from inference.circuit import WELL, Breaker, Circuit, State
from inference.failure import LeftAlone, ModelFailed

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_NUMBERS: Final[dict[State, int]] = {"closed": 0, "half_open": 1, "open": 2}


class Circuits:
    """Remembers how it went with each provider."""

    def __init__(self, breaker: Breaker, clock: Callable[[], float] = monotonic) -> None:
        self._breaker, self._clock = breaker, clock
        self._circuits: dict[str, Circuit] = {}

    def ask(self, provider: str) -> None:
        """Raises LeftAlone, with the seconds that are left, while its circuit is open."""
        circuit, now = self._circuits.get(provider, WELL), self._clock()
        if circuit.state(self._breaker, now) == "open":
            failure = LeftAlone()
            failure.retry_after = circuit.until - now
            raise failure
        self._keep(provider, circuit.asked(self._breaker, now))

    def failed(self, provider: str, failure: ModelFailed) -> None:
        """It did not answer, or not to the end. What it refuses for good reason does not count."""
        if failure.ill:
            circuit = self._circuits.get(provider, WELL)
            self._keep(provider, circuit.failed(self._breaker, self._clock(), failure.retry_after))

    def spoke(self, provider: str) -> None:
        """The first token has come."""
        if circuit := self._circuits.get(provider):
            self._keep(provider, circuit.spoke(self._breaker))

    def ended(self, provider: str) -> None:
        """An answer came to its end."""
        if provider in self._circuits:
            self._keep(provider, WELL)

    def _keep(self, provider: str, circuit: Circuit) -> None:
        now = self._clock()
        before = self._circuits.get(provider, WELL).state(self._breaker, now)
        after = circuit.state(self._breaker, now)
        if circuit is WELL:
            self._circuits.pop(provider, None)
        else:
            self._circuits[provider] = circuit
        metrics.CIRCUIT.labels(provider).set(_NUMBERS[after])
        if before != after:
            log.warning("circuit.changed", provider=provider, state=after, failures=circuit.failures)
