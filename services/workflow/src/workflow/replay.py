"""Giving a workflow what is recorded, in the order in which it was recorded, so that its branches meet as they did."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from workflow.failure import Doomed
from workflow.history import Record, StepKind


class Replay:
    """The steps that have ended before this worker began. `stir` is called when one was asked for."""

    def __init__(self, ended: Iterable[str], stir: Callable[[], None]) -> None:
        self._to_come = deque(ended)
        self._left = set(self._to_come)
        self._asked: dict[str, asyncio.Future[None]] = {}
        self._live: list[tuple[str, asyncio.Future[None]]] = []
        self._stir = stir

    @property
    def over(self) -> bool:
        """Whether all of them were asked for."""
        return not self._to_come

    async def turn(self, step: str) -> None:
        """Returns when everything that ended before this step was given out."""
        if step not in self._left:
            return
        if self._to_come[0] != step:
            await self._until_asked(step)
        self._left.discard(self._to_come.popleft())
        self._next()

    async def live(self, step: str) -> None:
        """Returns when all of it was given out: only then may anything new begin."""
        if self._to_come:
            future = asyncio.get_running_loop().create_future()
            self._live.append((step, future))
            self._stir()
            await future

    def divergence(self, began: int, now: int) -> Doomed:
        """Why the code does not fit: called when it asks for nothing that comes next."""
        due = self._to_come[0]
        asks = next((step for step, _ in self._live), None) or next(iter(self._asked), None)
        does = f"the code asks for {asks!r}" if asks else "the code has come to its end"
        versions = "" if began == now else f" It began with version {began} of the code, this is version {now}."
        return Doomed("diverged", f"The journal has the step {due!r} next, where {does}.{versions}")

    async def _until_asked(self, step: str) -> None:
        future = self._asked[step] = asyncio.get_running_loop().create_future()
        self._stir()
        try:
            await future
        finally:
            self._asked.pop(step, None)

    def _next(self) -> None:
        waiting = self._asked.get(self._to_come[0]) if self._to_come else None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
        for _, future in [] if self._to_come else self._live:
            if not future.done():
                future.set_result(None)


def misfit(step: str, record: Record, kind: StepKind) -> Doomed:
    """Why a step is not what was recorded under its name."""
    return Doomed("diverged", f"The journal has {step!r} as a {record.kind}, the code asks for a {kind}.")
