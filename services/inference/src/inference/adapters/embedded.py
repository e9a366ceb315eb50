"""`colloquy-demo`: the built-in commands behind the port of a model, at a speed one can read."""

import asyncio
from collections.abc import AsyncGenerator
from itertools import islice
from math import ceil
from time import monotonic
from typing import Final

from inference.commands import DESCRIPTION, NAME, pieces, reply
from inference.delta import Delta, End, Spent, Text
from inference.failure import NotSupported
from inference.pacer import BEAT_SECONDS
from inference.prompt import Prompt
from shared.contract import inference
from shared.contract.objects import Usage

STEP: Final = 64
"""Pieces that are said at once when there is no pace to keep; between two steps others may run."""


class Embedded:
    """Fixed rules. `pace` is in tokens a second; 0: as fast as it can."""

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self.card = inference.Model(id=NAME, description=DESCRIPTION, kind="embedded")

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """The reply to the newest message, counted in its own pieces. Raises NotSupported."""
        if prompt.insists:
            raise NotSupported
        words = reply(prompt.question)
        allowed = islice(words, prompt.sampling.max_tokens)
        count = 0
        due = monotonic()
        while said := list(islice(allowed, 1 if self._pace else STEP)):
            if count:
                due += 1 / self._pace if self._pace else 0.0
                await asyncio.sleep(until(due, monotonic()))
            yield Text("".join(said))
            count += len(said)
        asked = sum(1 for _ in pieces(prompt.question))  # It reads nothing else.
        yield Spent(Usage(prompt_tokens=asked, completion_tokens=count, total_tokens=asked + count))
        yield End("length" if next(words, None) is not None else "stop")


def until(due: float, now: float) -> float:
    """Seconds to sleep until the first common beat that is not before `due`: a late wake-up is made good by the next one,
    and all streams of a process wake up together, which costs half of waking up one by one."""
    return max(0.0, ceil(due / BEAT_SECONDS) * BEAT_SECONDS - now) if due > now else 0.0
