"""Tools for others than a model that answers: which there are, and calls for work in the background."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, Final

import structlog

from inference import metrics
from inference.ports import Tools
from inference.tools.offer import Offer
from inference.tools.outcome import ToolFailed
from shared.contract.acting import CallTool, ListTools, ToolAnswer
from shared.contract.acting import Tools as Listing
from shared.errors import Busy, Invalid, ToolRefused, Unavailable, UnknownTool

log: structlog.stdlib.BoundLogger = structlog.get_logger()

MOST_WAITING: Final = 256

Preferences = Callable[[str], Awaitable[dict[str, Any]]]
"""What a person prefers. Raises Unavailable."""


class Desk:
    """Answers LIST_TOOLS and CALL_TOOL in one process."""

    def __init__(self, tools: Tools, preferences: Preferences, slots: int) -> None:
        self._tools, self._preferences = tools, preferences
        self._slots = asyncio.Semaphore(slots)
        self._held: set[asyncio.Task[Any]] = set()
        self._leaving = False

    @asynccontextmanager
    async def until_leaving(self) -> AsyncGenerator[None]:
        """Leaving ends what still runs: whoever asked for it asks another process, with the same key."""
        try:
            yield
        finally:
            self._leaving = True
            for task in self._held:
                task.cancel()

    async def list(self, question: ListTools) -> Listing:
        """What there is for this person."""
        offer = await self._offer(question.user)
        return Listing(tools=offer.tools)

    async def call(self, question: CallTool) -> ToolAnswer:
        """Makes a call that no person waits for. Raises UnknownTool, ToolRefused, Invalid, Busy."""
        offer = await self._offer(question.user)
        self._check(offer, question)
        if len(self._held) >= MOST_WAITING or self._leaving:
            raise Busy
        task = asyncio.current_task()
        if task is None:
            raise Unavailable
        self._held.add(task)
        try:
            async with self._slots:
                return await self._made(offer, question)
        except asyncio.CancelledError:
            if not self._leaving:
                raise
            raise Unavailable from None
        finally:
            self._held.discard(task)

    async def _offer(self, user: str) -> Offer:
        return await self._tools.offer(user, await self._preferences(user))

    def _check(self, offer: Offer, question: CallTool) -> None:
        offered = offer.get(question.name)
        if offered is None:
            raise UnknownTool
        if offered.tool.policy == "never" or (offered.tool.policy == "ask" and not question.approved):
            raise ToolRefused("Nobody is there to be asked whether this tool may be called.")
        if offered.tool.heavy and question.warm_only:
            raise ToolRefused("This tool is called only in a turn that a person started.")
        problem = offer.refusal(question.name, question.arguments)
        if problem is not None:
            raise Invalid(problem.message)

    async def _made(self, offer: Offer, question: CallTool) -> ToolAnswer:
        offered = offer.get(question.name)
        if offered is None:
            raise UnknownTool
        began = perf_counter()
        try:
            result = await self._tools.call(question.user, offered, question.arguments, question.key)
            answer = ToolAnswer(status="completed", result=result)
        except ToolFailed as failure:
            answer = ToolAnswer(status=failure.status, error=failure.problem)
        metrics.tool_called(offer.label(question.name), answer.status, perf_counter() - began)
        return answer
