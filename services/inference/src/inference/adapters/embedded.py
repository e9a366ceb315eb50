"""`colloquy-demo`: the built-in commands behind the port of a model, at a speed one can read."""

import asyncio
from collections.abc import AsyncGenerator
from itertools import islice
from math import ceil
from time import monotonic
from typing import Final

from inference.commands import DESCRIPTION, NAME, Reply, pieces, reply_to
from inference.delta import Delta, End, Spent, Text
from inference.failure import Incomplete, NotSupported
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
        self.card = inference.Model(id=NAME, description=DESCRIPTION, kind="embedded", capabilities=["tools"])

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """The next round: words, or calls of tools. Raises NotSupported. Usage is counted in its own pieces, as there are no
        tokens."""
        if prompt.insists:
            raise NotSupported
        tools = () if prompt.tool_choice == "none" else prompt.tools
        reply = reply_to(prompt.messages, tools, prompt.now, prompt.timezone)
        count = 0
        due = monotonic()
        pace = self._pace if reply.pace is None else reply.pace
        allowed = islice(reply.words, prompt.sampling.max_tokens)
        while said := list(islice(allowed, 1 if pace else STEP)):
            if count:
                due += 1 / pace if pace else 0.0
                await asyncio.sleep(until(due, monotonic()))
            if reply.fails_after is not None and count + len(said) > reply.fails_after:
                yield Text("".join(said[: reply.fails_after - count]))
                raise Incomplete("on purpose")
            yield Text("".join(said))
            count += len(said)
        for call in reply.calls:
            yield call
        yield Spent(_usage(prompt, reply, count))
        yield End("tool_calls" if reply.calls else "length" if next(reply.words, None) is not None else "stop")


def _usage(prompt: Prompt, reply: Reply, said: int) -> Usage:
    asked = sum(1 for _ in pieces(prompt.question))  # What else it reads costs nothing.
    said += sum(len(list(pieces(call.arguments))) for call in reply.calls)
    return Usage(prompt_tokens=asked, completion_tokens=said, total_tokens=asked + said, estimated=True)


def until(due: float, now: float) -> float:
    """Seconds to sleep until the first common beat that is not before `due`: a late wake-up is made good by the next one,
    and all streams of a process wake up together, which costs half of waking up one by one."""
    return max(0.0, ceil(due / BEAT_SECONDS) * BEAT_SECONDS - now) if due > now else 0.0
