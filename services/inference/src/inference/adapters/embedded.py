"""`colloquy-demo`: the built-in commands behind the port of a model, at a speed one can read."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from itertools import islice
from typing import Final

from inference.commands import DESCRIPTION, NAME, pieces, reply
from inference.delta import Delta, End, Spent, Text
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
        """The reply to the newest message, counted in its own pieces."""
        most = prompt.sampling.max_tokens
        words = reply(prompt.question)
        tokens = Counted(islice(words, most))
        async for text in self._paced(tokens) if self._pace else _stepped(tokens):
            yield Text(text)
        asked = sum(1 for _ in pieces(prompt.question))  # It reads nothing else.
        yield Spent(Usage(prompt_tokens=asked, completion_tokens=tokens.count, total_tokens=asked + tokens.count))
        yield End("length" if next(words, None) is not None else "stop")

    async def _paced(self, tokens: Iterator[str]) -> AsyncGenerator[str, None]:
        loop = asyncio.get_running_loop()
        due = loop.time()
        for token in tokens:
            # Until a moment, not for a while: a late wake-up is made good by the next one.
            if (delay := due - loop.time()) > 0:
                await asyncio.sleep(delay)
            yield token
            due += 1 / self._pace


async def _stepped(tokens: Iterator[str]) -> AsyncGenerator[str, None]:
    while text := "".join(islice(tokens, STEP)):
        yield text
        await asyncio.sleep(0)


class Counted(Iterator[str]):
    """Counts what goes through."""

    def __init__(self, source: Iterator[str]) -> None:
        self._source = source
        self.count = 0

    def __next__(self) -> str:
        token = next(self._source)
        self.count += 1
        return token
