"""One attempt at one answer: the model is read, its words are logged, and memory gets the end."""

import asyncio
from collections.abc import AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import structlog

from inference import lease
from inference.answer import Answer
from inference.delta import Asking, Delta, End, Spent, Text, Thought, ToolCall
from inference.failure import Incomplete, ModelFailed, TooLong
from inference.guard import Deadlines, Guard
from inference.lines import Clock, Lines
from inference.outcome import Outcome, finish, outcome_of
from inference.pacer import Pacer
from inference.ports import Memory, Model, TokenStore
from inference.prompt import Prompt, hash_of_prompt, hash_of_text
from inference.publisher import TokenLog
from inference.stopwatch import Stopwatch
from inference.tool_calls import asked_for, told_of
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
    store: TokenStore
    pacer: Pacer
    clock: Clock


class Attempt:
    """A claimed generation and everything that is at work on it."""

    def __init__(
        self, generation: str, claim: Claim, model: Model, prompt: Prompt, answer: Answer, guard: Guard, around: Surroundings
    ) -> None:
        self._generation = generation
        self._user = claim.user
        self._epoch = claim.epoch
        self._lease_seconds = claim.lease_seconds
        self._theirs = claim.client_tools is not None
        self._model = model
        self._prompt = prompt
        self._answer = answer
        self._guard = guard
        self._memory = around.memory
        self._watch = Stopwatch()
        self._end: FinishGeneration | None = None
        subject = token_log(claim.user, claim.conversation_id, generation)
        self._log = TokenLog(
            around.store, subject, Lines(generation, claim, around.clock), around.pacer, lambda: guard.end("lost")
        )

    async def run(self) -> float | None:
        """To the end. Otherwise the seconds after which the order has to be looked at again."""
        again: float | None = None
        async with asyncio.TaskGroup() as tasks:
            renewing = tasks.create_task(lease.keep(self._memory, self._user, self._generation, self._epoch, self._guard))
            storing = tasks.create_task(self._log.run())
            try:
                self._log.begin(self._model.card.id)
                await asyncio.sleep(0)  # Now the wire writes, before a request to a model is prepared.
                log.info("generation.claimed", generation=self._generation, epoch=self._epoch)
                outcome = await self._produce()
                await self._drain(storing, DRAIN_SECONDS)
                if not await self._finish(outcome):
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

    async def _produce(self) -> Outcome:
        """Reads the model until it ends, fails, or is ended. What it said by then is in the answer and in the log."""
        failure = None
        try:
            async with self._guard, aclosing(self._model.stream(self._prompt)) as deltas:
                await self._read(deltas)
        except ModelFailed as failed:
            failure = failed
        return outcome_of(self._guard.reason, failure, self._answer)

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
                self._log.write_call(delta)
                self._answer.calls.append(delta)
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
            usage=self._answer.usage,
            finish_reason=outcome.reason,
            error=outcome.problem,
            prompt_hash=hash_of_prompt(self._prompt),
            output_hash=hash_of_text(text),
            # A client's tool may be called like one of memory's actions.
            actions=[] if self._theirs else asked_for(self._answer.calls),
            tool_calls=told_of(self._answer.calls) or None,
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
