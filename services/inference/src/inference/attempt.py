"""One attempt at one answer: the model is read, its words are logged, and memory gets the end."""

import asyncio
from collections.abc import AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

import structlog

from inference import lease
from inference.acting import Calls, Held
from inference.answer import Answer
from inference.delta import Asking, Delta, End, Spent, Text, Thought, ToolCall
from inference.failure import Incomplete, ModelFailed, TooLong
from inference.guard import Deadlines, Guard
from inference.lines import Clock, Lines
from inference.outcome import Outcome, finish, outcome_of
from inference.pacer import Pacer
from inference.ports import Deeds, Memory, Model, TokenStore, Tools
from inference.prompt import Prompt, hash_of_prompt, hash_of_text
from inference.publisher import TokenLog
from inference.stopwatch import Stopwatch
from inference.tool_calls import asked_for, told_of
from inference.tools.offer import Offer
from shared.contract.memory import Claim, FinishGeneration, ReleaseGeneration
from shared.contract.subjects import token_log
from shared.errors import Busy, LostLease

log: structlog.stdlib.BoundLogger = structlog.get_logger()

DRAIN_SECONDS: Final = 15.0
"""How long the last tokens may take to be stored. Then the answer is finished without them: its end carries the whole text."""

LEAVE_SECONDS: Final = 1.8
"""The same, and for a word with memory, when the process is told to leave: together less than the bus allows."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all attempts of a process share."""

    memory: Memory
    deeds: Deeds
    tools: Tools
    store: TokenStore
    pacer: Pacer
    clock: Clock
    most_rounds: int = 8
    wary: bool = True
    """Whether a model that has read what strangers wrote may do nothing without being allowed to."""


async def begun(generation: str, claim: Claim, model: Model, guard: Guard, around: Surroundings) -> TokenLog:
    """The log of an attempt, with its first message on its way: it is stored while the prompt is made."""
    subject = token_log(claim.user, claim.conversation_id, generation)
    log = TokenLog(around.store, subject, Lines(generation, claim, around.clock), around.pacer, lambda: guard.end("lost"))
    log.begin(model.card.id)
    await asyncio.sleep(0)  # Now the wire writes.
    return log


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of whom; `offer` is what stands behind the tools of the prompt."""

    model: Model
    prompt: Prompt
    offer: Offer


class Attempt:
    """A claimed generation and everything that is at work on it."""

    def __init__(
        self,
        generation: str,
        claim: Claim,
        asked: Asked,
        answer: Answer,
        guard: Guard,
        around: Surroundings,
        tokens: TokenLog,
    ) -> None:
        self._generation = generation
        self._user = claim.user
        self._epoch = claim.epoch
        self._lease_seconds = claim.lease_seconds
        self._theirs = claim.client_tools is not None
        self._model = asked.model
        self._prompt = asked.prompt
        self._base = asked.prompt
        self._offer = asked.offer
        self._most_rounds = around.most_rounds
        self._answer = answer
        self._guard = guard
        self._memory = around.memory
        self._watch = Stopwatch()
        self._end: FinishGeneration | None = None
        self._log = tokens
        # Rules can't be talked into anything.
        wary = around.wary and asked.model.card.kind != "embedded"
        held = Held(generation, claim.user, claim.epoch, claim.rounds, wary, wary and claim.untrusted)
        self._calls = Calls(held, asked.offer, around.deeds, around.tools, tokens, tokens.lines, guard)

    async def run(self) -> float | None:
        """To the end. Otherwise the seconds after which the order has to be looked at again."""
        again: float | None = None
        async with asyncio.TaskGroup() as tasks:
            renewing = tasks.create_task(lease.keep(self._memory, self._user, self._generation, self._epoch, self._guard))
            storing = tasks.create_task(self._log.run())
            try:
                log.info("generation.claimed", generation=self._generation, epoch=self._epoch)
                outcome = await self._produce()
                if self._guard.reason == "stopped":
                    await self._calls.settle()
                await self._drain(storing, DRAIN_SECONDS)
                if not await (self._calls.suspend() if outcome is None else self._finish(outcome)):
                    # Not done because we have lost it: the ack would count, and whoever runs it now may die (T12).
                    again = self._lease_seconds
            except asyncio.CancelledError:
                if _failed(storing) or _failed(renewing):
                    raise  # A bug of ours, not the end of the process: released, the order would come again for ever.
                await self._drain(storing, LEAVE_SECONDS)
                again = None if await self._hand_over() else 0.0
            finally:
                renewing.cancel()
                storing.cancel()
        return again

    async def _produce(self) -> Outcome | None:
        """Reads the model until it ends, fails, or is ended. What it said by then is in the answer and in the log.

        None: it has not ended, and nothing can be done until somebody decides.
        """
        failure, waits = None, False
        try:
            async with self._guard:
                waits = not await self._converse()
        except ModelFailed as failed:
            failure = failed
        if waits and self._guard.reason is None:
            return None
        return outcome_of(self._guard.reason, failure, self._answer)

    async def _converse(self) -> bool:
        """Round by round until the model calls no more. False when somebody has to decide first."""
        calls, answer = self._calls, self._answer
        if calls.rounds:
            self._log.write(Text, answer.again(calls.rounds))
            if not await calls.go_on():
                return False
        while True:
            last = len(calls.rounds) >= self._most_rounds
            self._prompt = self._next_prompt(last=last)
            async with aclosing(self._model.stream(self._prompt)) as deltas:
                await self._read(deltas)
            if not (answer.calls and self._offer):
                return True
            if last:
                answer.reason = "length"
                return True
            if not await calls.round(answer, answer.model or self._model.card.id):
                return False

    def _next_prompt(self, *, last: bool) -> Prompt:
        if not self._calls.rounds:
            return self._base
        messages = (*self._base.messages, *self._calls.messages())
        return replace(self._base, messages=messages, tool_choice="none" if last else self._base.tool_choice)

    async def _read(self, deltas: AsyncIterable[Delta]) -> None:
        answer, tokens, guard = self._answer, self._log, self._guard
        async for delta in deltas:
            if isinstance(delta, Text):
                tokens.write(Text, answer.say(delta.text))
            elif isinstance(delta, Thought):
                tokens.write(Thought, answer.think(delta.text))
            elif self._note(delta):
                continue
            if not self._watch.first:
                self._watch.token()
            guard.heard()
            if answer.full:
                raise TooLong
            if tokens.full:
                with guard.patience():
                    await tokens.room()
        if answer.reason is None:
            raise Incomplete

    def _note(self, delta: Delta) -> bool:
        """True for what is said about the answer, and is no part of it."""
        match delta:
            case ToolCall():
                self._answer.calls.append(self._calls.heard(delta))
            case Spent(usage):
                self._answer.usage = usage
                return True
            case End(reason):
                self._answer.reason = reason
                return True
            case Asking(model, first_token, idle, total):
                self._answer.model = model
                self._guard.anew(Deadlines(first_token, idle, total))
                return True
            case _:
                pass
        return False

    async def _drain(self, storing: asyncio.Task[None], seconds: float) -> None:
        self._log.close()
        await asyncio.wait([storing], timeout=seconds)
        if not storing.done():
            log.warning("tokens.not_stored", generation=self._generation)

    async def _finish(self, outcome: Outcome) -> bool:
        """Tells memory. False when the generation is somebody else's by now."""
        if self._guard.reason == "lost":
            log.info("generation.lost", generation=self._generation, epoch=self._epoch)
            return False
        text = self._answer.text
        self._end = FinishGeneration(
            generation_id=self._generation,
            user=self._user,
            epoch=self._epoch,
            outcome=outcome.kind,
            text=text,
            model=self._answer.model or self._model.card.id,
            usage=self._answer.spent,
            finish_reason=outcome.reason,
            error=outcome.problem,
            prompt_hash=hash_of_prompt(self._prompt),
            output_hash=hash_of_text(text),
            # A client's tool may be called like one of memory's actions; what is called here is kept already.
            actions=[] if self._theirs or self._offer else asked_for(self._answer.calls),
            tool_calls=None if self._offer else told_of(self._answer.calls) or None,
            heed=not (self._calls.untrusted or self._calls.acted),
        )
        finished = await finish(self._memory, self._end)
        if finished:
            self._watch.report(self._end, self._answer.pieces)
        return finished

    async def _hand_over(self) -> bool:
        """The process has to leave: a finished answer is told once more, an unfinished one is given back. True when memory
        knows; then memory sees to the rest."""
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                if self._end is not None:
                    return await finish(self._memory, self._end)
                await self._memory.release(
                    ReleaseGeneration(generation_id=self._generation, user=self._user, epoch=self._epoch)
                )
        except (Busy, TimeoutError, LostLease):
            return False
        log.info("generation.released", generation=self._generation, epoch=self._epoch)
        return True


def _failed(task: asyncio.Task[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None
