"""Completions for work in the background: few at a time, nothing of them is kept, and answers never wait for them."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Final

import structlog

from inference import planner
from inference.answer import Answer
from inference.charging import Charger
from inference.delta import Asking, End, Spent, Text, Thought
from inference.failure import Incomplete, ModelFailed, NoSuchModel, UpstreamRefused, UpstreamTimeout
from inference.guard import Deadlines, Guard
from inference.models import Models
from inference.ports import Model
from inference.prompt import Prompt
from shared.contract.inference import Complete, Completion
from shared.contract.inference import Model as Card
from shared.contract.objects import FinishReason
from shared.errors import Busy, Fault, ModelBusy, ModelRefused, Unavailable, UnknownModel

log: structlog.stdlib.BoundLogger = structlog.get_logger()

WAIT_SECONDS: Final = 30.0
"""How long a question waits for its turn. Then it is Busy, and may be asked of another process."""

MOST_WAITING: Final = 64


class Completer:
    """Answers COMPLETE in one process."""

    def __init__(self, models: Models, charger: Charger, deadlines: Deadlines, slots: int, most_characters: int) -> None:
        self._models, self._charger = models, charger
        self._deadlines, self._most = deadlines, most_characters
        self._slots = asyncio.Semaphore(slots)
        self._waiting = 0
        self._guards: set[Guard] = set()
        self._leaving = False

    @asynccontextmanager
    async def until_leaving(self) -> AsyncGenerator[None]:
        """Leaving ends what still runs: whoever asked for it asks another process."""
        try:
            yield
        finally:
            self._leaving = True
            for guard in self._guards:
                guard.end("lost")

    async def complete(self, question: Complete) -> Completion:
        """Raises UnknownModel, ModelRefused, ModelBusy, Busy, Unavailable."""
        try:
            model = self._models.named(question.model)
            if model.card.kind == "embedded" and question.form == "list":
                return _planned(model, question)
            await self._turn()
            try:
                answer = await self._said(model, question)
            finally:
                self._slots.release()
        except ModelFailed as failure:
            log.info("completion.failed", code=failure.code)
            raise fault_of(failure) from None
        card = self._models.card(answer.model) if answer.model else model.card
        log.info("completion.made", model=card.id, length=len(answer.text))
        return _completion(card, answer.text, "length" if answer.full else answer.reason or "stop", answer)

    async def _turn(self) -> None:
        if self._waiting >= MOST_WAITING:
            raise Busy
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            raise Busy from None
        finally:
            self._waiting -= 1

    async def _said(self, model: Model, question: Complete) -> Answer:
        answer, guard = Answer(self._most), Guard(self._deadlines)
        prompt = Prompt(tuple(question.messages), question.sampling)
        if self._leaving:
            raise Unavailable
        self._guards.add(guard)
        try:
            async with guard:
                await _read(model, prompt, answer, guard)
        finally:
            self._guards.discard(guard)
            self._charger.charge(question.user, answer.model or model.card.id, answer.usage)
        if guard.reason == "lost":
            raise Unavailable
        if guard.reason is not None:
            raise UpstreamTimeout(f"{guard.reason} deadline")
        return answer


async def _read(model: Model, prompt: Prompt, answer: Answer, guard: Guard) -> None:
    async with aclosing(model.stream(prompt)) as deltas:
        async for delta in deltas:
            match delta:
                case Text(text):
                    answer.say(text)
                case Thought(text):
                    answer.think(text)
                case Spent(usage):
                    answer.usage = usage
                case End(reason):
                    answer.reason = reason
                case Asking(name, first_token, idle, total):
                    answer.model = name
                    guard.anew(Deadlines(first_token, idle, total))
                    continue
                case _:
                    pass
            guard.heard()
            if answer.full:
                return
    if answer.reason is None:
        raise Incomplete


def _planned(model: Model, question: Complete) -> Completion:
    """What rules make of a question for a list."""
    asked = Prompt(tuple(question.messages), question.sampling).question
    return _completion(model.card, json.dumps(planner.steps(asked), ensure_ascii=False), "stop", None)


def _completion(card: Card, text: str, reason: FinishReason, answer: Answer | None) -> Completion:
    usage = answer.usage if answer else None
    return Completion(text=text, model=card.id, kind=card.kind, finish_reason=reason, usage=usage)


def fault_of(failure: ModelFailed) -> Fault:
    """What a caller is told: only what may be passing is worth another try."""
    match failure:
        case NoSuchModel():
            return UnknownModel()
        case UpstreamRefused():
            return ModelRefused(str(failure))
        case _:
            return ModelBusy(str(failure), retry_after=failure.retry_after or 1.0)
