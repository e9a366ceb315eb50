"""One worker's run of one workflow: its code, until it ends, has to wait, or is taken away."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NoReturn

from shared.contract.journal import (
    PatchApplied,
    SleepBegun,
    SleepEnded,
    StepCompleted,
    StepFailed,
    StepStarted,
    WaitBegun,
    WaitEnded,
    WorkflowCompleted,
    WorkflowFailed,
)
from shared.contract.workflow import Wake
from shared.errors import Busy
from shared.tasks import owned
from workflow.blocks import Block, next_moment, release, resting
from workflow.carrying import Fn, Raised, judged, kept, outcome_of
from workflow.definition import Definition
from workflow.failure import Doomed, EventTimedOut, NonRetryable, StepError, problem_of
from workflow.history import History, Record, StepKind
from workflow.pen import Pen, Verdict
from workflow.plain import plain
from workflow.ports import Journals, Post
from workflow.replay import Replay, misfit
from workflow.retries import Retries
from workflow.step import About, Attempt, Step, within_a_year

Ending = Literal["rested"] | Verdict

NOTICE_SECONDS = 0.1
"""A step that takes longer is recorded as begun: somebody may want to see it, or take over."""

LOOK_SECONDS = 5.0
"""While steps run, the journal is looked at so often, in case nobody's signal was heard."""

AGAIN_SECONDS = 0.5
"""Between two tries to read a long result from a NATS that does not answer."""

LINGER_SECONDS = 1.0
"""For a moment that is so near it is not worth letting go."""

IDLE_SECONDS = 60.0
"""Code that awaits something that is no step for so long will not go on."""

SETTLED_TURNS = 20
"""Turns of the loop without any step asked for, after which every branch waits: TaskGroups need a few to begin and end."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a workflow may use."""

    steps: int
    journal_bytes: int


class Activation:
    """Carries out the steps that the code asks for, or answers them from the journal."""

    def __init__(
        self,
        definition: Definition,
        history: History,
        pen: Pen,
        journals: Journals,
        post: Post,
        now: Callable[[], datetime],
        limits: Limits,
    ) -> None:
        self._definition, self._history, self._pen, self._post, self._now = definition, history, pen, post, now
        self._journals, self._limits = journals, limits
        self._stirred = asyncio.Event()
        self._look = False
        self._doom: Doomed | None = None
        self._busy = 0
        self._moves = 0
        self._counts: dict[str, int] = {}
        self._steps = 0
        self._blocks: list[Block] = []
        self._given: set[str] = set()
        self._unrecorded: asyncio.Future[None] | None = None
        """The newest line with which the code has gone on; those before it are recorded before it."""
        self._replay = Replay(history.ends, self.stir)
        head, created = history.head, history.created
        assert head is not None and created is not None  # noqa: S101, PT018 - only what exists is run
        self._began_with = created.version
        self._about = About(
            head.user, head.workflow_id, history.run, head.created_at, created.tick, warm_only=definition.warm_only
        )
        self._params = created.params

    @property
    def type(self) -> str:
        """The workflow's name."""
        return self._definition.name

    def doom(self, reason: Doomed) -> None:
        """Ends it, without running anything more."""
        self._doom = reason

    def stir(self) -> None:
        """Something has changed that may matter."""
        self._stirred.set()

    def look(self) -> None:
        """Somebody has written into the journal."""
        self._look = True
        self.stir()

    async def run(self) -> Ending:
        """Runs the code. What it has come to is recorded before this returns."""
        async with owned() as tasks:
            self._pen.lend(tasks, self.stir)
            code = tasks.create_task(self._code())
            code.add_done_callback(lambda _: self.stir())
            try:
                return await self._supervise(code)
            finally:
                code.cancel()
                self._pen.lend(None, self.stir)

    async def _code(self) -> Any | Raised:
        """What the workflow returns or raises, as a value: it is somebody else's code."""
        (outcome,) = await asyncio.gather(self._called(), return_exceptions=True)
        return Raised(outcome) if isinstance(outcome, BaseException) else outcome

    async def _called(self) -> Any:
        return await self._definition.code(Step(self, self._about), self._definition.read(self._params))

    # --- watching over it ---------------------------------------------------------------------------------------------

    async def _supervise(self, code: asyncio.Task[Any | Raised]) -> Ending:
        while True:
            self._stirred.clear()
            if self._look:
                self._look = False
                await self._pen.look()
            if self._pen.verdict is not None:
                return self._pen.verdict
            if self._doom is None and code.done():
                return await self._end(code.result())
            if self._doom is not None:
                return await self._end(Raised(self._doom))
            self._blocks = release(self._blocks, self._history, self._given, self._now())
            if await self._can_rest():
                return "rested"

    async def _can_rest(self) -> bool:
        """Whether it has let go, because every branch waits for what may take long. If not, something has stirred."""
        if self._busy or not await self._settled():
            await self._stir_within(LOOK_SECONDS if self._busy else 0)
            self._look = self._look or (bool(self._busy) and not self._stirred.is_set())
        elif not self._replay.over:
            self._doom = self._replay.divergence(self._began_with, self._definition.version)
        elif not self._blocks:
            if not await self._stir_within(IDLE_SECONDS):
                self._doom = Doomed("stuck", f"The code has waited {IDLE_SECONDS:g} s for something that is no step.")
        else:
            return await self._rest()
        return False

    async def _settled(self) -> bool:
        """Whether no branch asks for anything, a few turns long."""
        seen = self._moves
        for _ in range(SETTLED_TURNS):
            await asyncio.sleep(0)
            if self._stirred.is_set() or seen != self._moves:
                return False
        return True

    async def _stir_within(self, seconds: float) -> bool:
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stirred.wait()
        return self._stirred.is_set()

    async def _rest(self) -> bool:
        seen = self._history.sequence
        now, due = self._now(), next_moment(self._blocks)
        if due is not None and not self._history.standing.paused and (due - now).total_seconds() < LINGER_SECONDS:
            await self._stir_within(max((due - now).total_seconds(), 0.001))
            return False
        line = resting(self._blocks, self._history, now)
        timer = None
        if line.wake_at is not None:
            timer = self._post.wake_at(Wake(user=self._about.user, workflow_id=self._about.workflow_id, due=due), line.wake_at)
        rested = await self._pen.rest(line, seen)
        if timer is not None:
            await timer
        return rested

    async def _end(self, outcome: Any | Raised) -> Ending:
        now = self._now()
        if not isinstance(outcome, Raised) and not self._replay.over:
            outcome = Raised(self._replay.divergence(self._began_with, self._definition.version))
        try:
            result = None if isinstance(outcome, Raised) else plain(outcome, "What the workflow returned")
            line = WorkflowCompleted(at=now, output=result)
        except NonRetryable as error:
            line, outcome = WorkflowCompleted(at=now), Raised(error)
        last = WorkflowFailed(at=now, error=problem_of(outcome.error)) if isinstance(outcome, Raised) else line
        written = self._pen.write(last)
        while not written.done() and self._pen.verdict is None:
            self._stirred.clear()
            await self._stirred.wait()
        return self._pen.verdict or "ended"

    # --- what the code asks for ---------------------------------------------------------------------------------------

    async def do(self, name: str, fn: Fn, retries: Retries, timeout: timedelta) -> Any:
        """See `Step.do`."""
        step = self._named(name)
        while True:
            record = await self._record(step, "step.do")
            match record.line if record else None:
                case StepCompleted() as line:
                    output = line.output if line.blob is None else await self._fetched(line.blob)
                    await self._replay.turn(step)
                    return output
                case StepFailed(retry_at=None) as line:
                    await self._replay.turn(step)
                    raise StepError(step, line.error)
                case StepFailed(retry_at=again):
                    await self._replay.live(step)
                    await self._block(Block(step, until=again))
                case _:
                    await self._replay.live(step)
            await self._unpaused(step)
            await self._recorded()
            line = await self._attempt(step, (record.failures if record else 0) + 1, fn, retries, timeout)
            if line is not None:
                return line.output

    async def sleep(self, name: str, duration: timedelta | None, until: datetime | None) -> None:
        """See `Step.sleep`."""
        step = self._named(name)
        record = await self._record(step, "step.sleep")
        if record is None:
            await self._replay.live(step)
            now = self._now()
            until = until or now + (duration or timedelta())
            within_a_year(until - now)
            self._pen.jot(SleepBegun(at=now, step=step, until=until))
        elif record.final:
            await self._replay.turn(step)
            return
        else:
            until = record.until
        await self._block(Block(step, until=until))
        self._pen.jot(SleepEnded(at=self._now(), step=step))

    async def wait(self, name: str, event: str, timeout: timedelta) -> Any:
        """See `Step.wait_for_event`."""
        step = self._named(name)
        record = await self._record(step, "step.wait_for_event")
        if record is None:
            await self._replay.live(step)
            within_a_year(timeout)
            now = self._now()
            until = now + timeout
            self._pen.jot(WaitBegun(at=now, step=step, type=event, until=until))
        elif isinstance(record.line, WaitEnded):
            await self._replay.turn(step)
            return self._event(name, record.line.event_id)
        else:
            until = record.until
        taken = await self._block(Block(step, until=until, event=event))
        payload = self._event(name, taken) if taken else None
        await self._written(WaitEnded(at=self._now(), step=step, event_id=taken))
        return payload if taken else self._event(name, None)

    async def patched(self, name: str) -> bool:
        """See `Step.patched`."""
        step = f"patched:{name}"
        record = await self._record(step, "step.patched")
        if record is not None:
            await self._replay.turn(step)
            return True
        if self._replay.over:
            self._pen.jot(PatchApplied(at=self._now(), step=step))
        return self._replay.over

    # --- beneath ------------------------------------------------------------------------------------------------------

    def _named(self, name: str) -> str:
        count = self._counts[name] = self._counts.get(name, 0) + 1
        if "#" in name or not 0 < len(name) <= 200:
            raise NonRetryable("The name of a step has 1 to 200 characters, and no '#'.")
        self._steps += 1
        if self._steps > self._limits.steps:
            self._doom = Doomed("too_many_steps", f"It has more than {self._limits.steps} steps; {name!r} is one too many.")
        if self._history.size > self._limits.journal_bytes:
            self._doom = Doomed("journal_full", f"Its journal has more than {self._limits.journal_bytes} bytes.")
        return name if count == 1 else f"{name}#{count}"

    def _move(self) -> None:
        self._moves += 1
        self._stirred.set()

    async def _record(self, step: str, kind: StepKind) -> Record | None:
        """What is recorded of it. A journal that does not fit, and an end that is decided, go no further."""
        self._move()
        record = self._history.records.get(step)
        if record is not None and record.kind != kind:
            self._doom = misfit(step, record, kind)
        if self._doom is not None or self._pen.verdict is not None:
            await _never()
        return record

    async def _block(self, block: Block) -> str | None:
        self._blocks.append(block)
        self._move()
        return await block.future

    async def _unpaused(self, step: str) -> None:
        while self._history.standing.paused:
            await self._block(Block(step))

    async def _recorded(self) -> None:
        """Nothing is done in the world before everything that led there is recorded: else it could have been otherwise."""
        while self._unrecorded is not None and not self._unrecorded.done():
            self._busy += 1
            try:
                self._pen.flush()
                await self._unrecorded
            finally:
                self._busy -= 1
                self._move()

    async def _attempt(self, step: str, number: int, fn: Fn, retries: Retries, timeout: timedelta) -> StepCompleted | None:
        """The line, if the step is done. The code goes on with it; it is recorded before anything else is done."""
        began = self._now()
        self._busy += 1
        notice = asyncio.get_running_loop().call_later(NOTICE_SECONDS, self._notice, step, number)
        try:
            attempt = Attempt(f"{self._about.key}:{step}", number, self._now, self._about)
            outcome = await kept(step, await outcome_of(fn, attempt, timeout), self._stow)
            notice.cancel()
            line = judged(step, number, began, outcome, retries, self._now())
            if isinstance(line, StepCompleted) and line.blob is None:
                self._unrecorded = self._pen.write(line, patient=True)
                return line
            await self._pen.write(line)
            return None
        finally:
            notice.cancel()
            self._busy -= 1
            self._move()

    async def _stow(self, data: bytes) -> str:
        return await self._journals.stow(self._about.user, self._about.workflow_id, data)

    async def _fetched(self, name: str) -> Any:
        """A long result. It is there: it was stowed before its line was written."""
        self._busy += 1
        try:
            while True:
                try:
                    return json.loads(await self._journals.fetch(self._about.user, self._about.workflow_id, name))
                except Busy:
                    await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self._busy -= 1
            self._move()

    async def _written(self, line: WaitEnded) -> None:
        self._busy += 1
        try:
            await self._pen.write(line)
        finally:
            self._busy -= 1
            self._move()

    def _notice(self, step: str, number: int) -> None:
        self._pen.jot(StepStarted(at=self._now(), step=step, attempt=number))
        self._pen.flush()

    def _event(self, name: str, event_id: str | None) -> Any:
        if event_id is None:
            raise EventTimedOut(f"No event came in time for {name!r}.")
        return self._history.received[event_id].payload


async def _never() -> NoReturn:
    """Until whoever watches over the code cancels it."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError
