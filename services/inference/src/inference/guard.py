"""Ends the production of an answer from outside, once and with a reason: it was stopped, it was lost, or it took too long."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

Reason = Literal["stopped", "lost", "first token", "idle", "total"]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds to the first token, between tokens, and in all."""

    first_token: float
    idle: float
    total: float


class Guard:
    """A context that ends early, and quietly, when there is a `reason`.

    The deadlines cost no timer for each token: one timer looks, when it is due, whether anything was said since.
    """

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._scope: asyncio.Timeout | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._time = asyncio.get_running_loop().time
        self._started = self._asked = self._heard = 0.0
        self._paused = False
        self.reason: Reason | None = None

    def end(self, reason: Reason) -> None:
        """Ends it now. The first reason stays; being lost outweighs all."""
        if self.reason is None or reason == "lost":
            self.reason = reason
        if self._scope is not None:
            self._scope.reschedule(0)

    def heard(self) -> None:
        """The model said something."""
        first = not self._heard
        self._heard = self._time()
        if first and self._timer is not None:  # The next deadline may be nearer than the one that the timer waits for.
            self._timer.cancel()
            self._look()

    def anew(self, deadlines: Deadlines) -> None:
        """Another model is asked, which may take its own time to the first token. The time in all goes on."""
        self._deadlines = deadlines
        self._asked, self._heard = self._time(), 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._look()

    @contextmanager
    def patience(self) -> Generator[None]:
        """It is us who make the model wait: meanwhile it can't be late."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False
            self.heard()

    @contextmanager
    def away(self) -> Generator[None]:
        """The model has had its say, and something else is at work (F47). Afterwards it is asked anew, and has lost no time."""
        began = self._time()
        self._paused = self._away = True
        try:
            yield
        finally:
            self._paused = self._away = False
            self._started += self._time() - began
            self._asked, self._heard = self._time(), 0.0
            if self._timer is not None:
                self._timer.cancel()
                self._look()

    async def __aenter__(self) -> Self:
        self._started = self._asked = self._time()
        scope = asyncio.timeout(None)
        await scope.__aenter__()
        self._scope = scope
        if self.reason is not None:
            scope.reschedule(0)
        self._look()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        scope, self._scope = self._scope, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if scope is None:
            return False
        try:
            await scope.__aexit__(kind, error, trace)
        except TimeoutError:
            return True
        return False

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        due, reason = self._due(loop.time())
        if due <= loop.time():
            self.end(reason)
        else:
            self._timer = loop.call_at(due, self._look)

    def _due(self, now: float) -> tuple[float, Reason]:
        total = self._started + self._deadlines.total
        if not self._heard and not self._paused:
            next_due, reason = self._asked + self._deadlines.first_token, "first token"
        else:
            next_due, reason = (now if self._paused else self._heard) + self._deadlines.idle, "idle"
        return (total, "total") if total < next_due else (next_due, reason)


class Stops:
    """The generations of this process that can be stopped, from before they are claimed until they are finished."""

    def __init__(self) -> None:
        self._guards: dict[str, set[Guard]] = {}

    @contextmanager
    def watch(self, generation: str, guard: Guard) -> Generator[None]:
        """Ends `guard` when somebody stops this generation."""
        # A set: an order can come back to a process that, frozen for a while, still has its first delivery at hand.
        self._guards.setdefault(generation, set()).add(guard)
        try:
            yield
        finally:
            self._guards[generation].discard(guard)
            if not self._guards[generation]:
                del self._guards[generation]

    def stop(self, generation: str) -> None:
        """Somebody stopped it."""
        for guard in self._guards.get(generation, ()):
            guard.end("stopped")
