"""A model that is a chain of models: the first one that says something answers. After its first word nobody takes over."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

import structlog

from inference import metrics
from inference.circuits import Circuits
from inference.delta import Asking, Delta, End, Spent, Text, Thought, ToolCall
from inference.failure import ModelFailed, NotSupported, UpstreamTimeout
from inference.guard import Deadlines
from inference.ports import Model
from inference.prompt import Prompt
from inference.request import Request
from shared.contract import inference

log: structlog.stdlib.BoundLogger = structlog.get_logger()

GRACE_SECONDS: Final = 1.0
"""The guard of a generation waits longer by this: that a model is late is for the chain to see, which has another one."""


@dataclass(frozen=True, slots=True)
class Link:
    """One model of a chain. `provider` is whose circuit breaker it shares."""

    name: str
    model: Model
    provider: str
    deadlines: Deadlines

    @property
    def asking(self) -> Asking:
        """What is said before it is asked."""
        deadlines = self.deadlines
        return Asking(self.name, deadlines.first_token + GRACE_SECONDS, deadlines.idle, deadlines.total)


class Chain:
    """Asks one model after the other, in order, until one of them speaks."""

    def __init__(self, card: inference.Model, links: Sequence[Link], circuits: Circuits) -> None:
        self.card = card
        self._links = tuple(links)
        self._circuits = circuits

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """The answer of the first that gives one. Raises the failure of the last that could have."""
        reason: ModelFailed | None = None
        for link, following in zip(self._links, (*self._links[1:], None), strict=True):
            said = False
            try:
                async with aclosing(self._of(link, prompt)) as deltas:
                    async for delta in deltas:
                        said = said or isinstance(delta, Text | Thought | ToolCall)
                        yield delta
                return
            except ModelFailed as failure:
                reason = reason if reason and isinstance(failure, NotSupported) else failure
                if said or following is None or not failure.elsewhere:
                    raise reason from None
                metrics.FALLBACKS.labels(link.name, following.name, failure.code).inc()
                log.warning("model.fell_back", model=link.name, next=following.name, code=failure.code)

    async def _of(self, link: Link, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """What one of them says, with its circuit told how it went."""
        circuits, provider = self._circuits, link.provider
        circuits.ask(provider)
        yield link.asking
        request = Request(link.model.card, provider, prompt)
        try:
            async with aclosing(link.model.stream(_for(link, prompt))) as deltas:
                async for delta in _in_time(deltas, link.deadlines.first_token):
                    request.note(delta)
                    if not isinstance(delta, Spent | End):
                        request.first()
                    yield delta
                circuits.spoke(provider)
                async for delta in deltas:
                    if delta.__class__ is not Text:
                        request.note(delta)
                    yield delta
        except ModelFailed as failure:
            request.failed(failure)
            circuits.failed(provider, failure)
            raise
        finally:
            request.close()
        circuits.ended(provider)


def _for(link: Link, prompt: Prompt) -> Prompt:
    """The prompt as this model takes it. Raises NotSupported when a tool has to be called and it calls none."""
    if not prompt.tools or "tools" in (link.model.card.capabilities or []):
        return prompt
    if prompt.tool_choice not in (None, "auto", "none"):
        raise NotSupported
    return replace(prompt, tools=(), tool_choice=None, parallel_tool_calls=None)


async def _in_time(deltas: AsyncIterator[Delta], seconds: float) -> AsyncGenerator[Delta, None]:
    """Up to the first that is said. Raises UpstreamTimeout when it does not come."""
    due = asyncio.get_running_loop().time() + seconds
    waiting = True
    while waiting:
        try:
            async with asyncio.timeout_at(due):
                delta = await anext(deltas, None)
        except TimeoutError:
            raise UpstreamTimeout("first token deadline") from None
        if delta is None:
            return
        waiting = isinstance(delta, Spent | End)
        yield delta
