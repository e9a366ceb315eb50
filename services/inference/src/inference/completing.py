"""Completions for work in the background: few at a time, nothing of them is kept, and answers never wait for them."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import structlog

from inference import planner
from inference.answer import Answer
from inference.charging import Charger
from inference.delta import Asking, End, Spent, Text, Thought, ToolCall
from inference.failure import Incomplete, ModelFailed, NoSuchModel, NotSupported, UpstreamRefused, UpstreamTimeout
from inference.forms import Form, NotAsAsked, action_tools, actions_of, form_of, plan_of, repair
from inference.guard import Deadlines, Guard
from inference.lines import Now, utc
from inference.models import Models
from inference.ports import Model
from inference.prompt import Prompt
from shared.contract.inference import Complete, Completion
from shared.contract.inference import Model as Card
from shared.contract.objects import FinishReason, Usage
from shared.errors import Busy, Fault, ModelBusy, ModelRefused, NotInForm, Unavailable, UnknownModel

log: structlog.stdlib.BoundLogger = structlog.get_logger()

WAIT_SECONDS: Final = 30.0
"""How long a question waits for its turn. Then it is Busy, and may be asked of another process."""

MOST_WAITING: Final = 64


class Said(NamedTuple):
    """What came of one question to a model."""

    text: str
    model: str | None
    reason: FinishReason
    usage: Usage | None


class Completer:
    """Answers COMPLETE in one process."""

    def __init__(
        self,
        models: Models,
        charger: Charger,
        deadlines: Deadlines,
        slots: int,
        most_characters: int,
        now: Now = utc,
    ) -> None:
        self._models, self._charger, self._now = models, charger, now
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
        """Raises UnknownModel, ModelRefused, ModelBusy, NotInForm, Busy, Unavailable, and Invalid for a schema that is none."""
        form = form_of(question, self._now())
        try:
            model = self._models.named(question.model)
            if model.card.kind == "embedded" and question.form != "text":
                return await by_rules(model, question, self._now())
            await self._turn()
            try:
                answer = await (self._said(model, question) if form is None else self._in_form(model, question, form))
            finally:
                self._slots.release()
        except ModelFailed as failure:
            log.info("completion.failed", code=failure.code)
            raise fault_of(failure) from None
        card = self._models.card(answer.model) if answer.model else model.card
        log.info("completion.made", model=card.id, form=question.form, length=len(answer.text))
        return _completion(card, answer)

    async def _in_form(self, model: Model, question: Complete, form: Form) -> Said:
        """One try, and one more with what was wrong. Raises NotInForm."""
        format_ = form.response_format if self._models.all_can(model, "json") else None
        asked = question.model_copy(update={"messages": form.messages(question.messages)})
        spent: list[Usage] = []
        for attempt in ("first", "repair"):
            answer = await self._said(model, asked, format_)
            spent += [answer.usage] if answer.usage else []
            try:
                return answer._replace(text=form.read(answer.text), usage=_sum(spent))
            except NotAsAsked as problem:
                log.info("completion.not_in_form", model=answer.model, form=question.form, attempt=attempt)
                asked = asked.model_copy(update={"messages": repair(asked.messages, answer.text, problem)})
        raise NotInForm

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

    async def _said(self, model: Model, question: Complete, format_: dict[str, Any] | None = None) -> Said:
        answer, guard = Answer(self._most), Guard(self._deadlines)
        prompt = Prompt(tuple(question.messages), question.sampling, response_format=format_)
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
        return Said(answer.text, answer.model, "length" if answer.full else answer.reason or "stop", answer.usage)


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


async def by_rules(model: Model, question: Complete, now: datetime) -> Completion:
    """What rules make of a question for a form. Raises NotSupported for a schema that somebody made up."""
    prompt = Prompt(tuple(question.messages), question.sampling, now=now, timezone=question.timezone)
    if question.form == "json":
        raise NotSupported
    if question.form == "actions":
        acting = replace(prompt, tools=action_tools())
        async with aclosing(model.stream(acting)) as deltas:
            text = actions_of([delta async for delta in deltas if isinstance(delta, ToolCall)])
    else:
        steps = planner.steps(prompt.question)
        text = plan_of(steps) if question.form == "plan" else json.dumps(steps, ensure_ascii=False)
    return _completion(model.card, Said(text, model.card.id, "stop", None))


def _completion(card: Card, said: Said) -> Completion:
    return Completion(text=said.text, model=card.id, kind=card.kind, finish_reason=said.reason, usage=said.usage)


def _sum(spent: Sequence[Usage]) -> Usage | None:
    if len(spent) < 2:
        return spent[0] if spent else None
    first, second = spent
    return Usage(
        prompt_tokens=first.prompt_tokens + second.prompt_tokens,
        completion_tokens=first.completion_tokens + second.completion_tokens,
        total_tokens=first.total_tokens + second.total_tokens,
        estimated=first.estimated or second.estimated,
    )


def fault_of(failure: ModelFailed) -> Fault:
    """What a caller is told: only what may be passing is worth another try."""
    match failure:
        case NoSuchModel():
            return UnknownModel()
        case UpstreamRefused() | NotSupported():
            return ModelRefused(str(failure))
        case _:
            return ModelBusy(str(failure), retry_after=failure.retry_after or 1.0)
