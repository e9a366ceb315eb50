"""The engine beside a model of a few lines: commands, events, time and crashes in any order (a hypothesis state machine).

Journals, orders and timers are in memory here, so that a worker can die between any two of its calls; the engine is real.
"""

import asyncio
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.bus import Delivery
from shared.contract.workflow import (
    CreateWorkflow,
    GetWorkflow,
    PauseWorkflow,
    RestartWorkflow,
    ResumeWorkflow,
    SendWorkflowEvent,
    TerminateWorkflow,
    Wake,
)
from shared.ids import new_id
from workflow.definition import Library, workflow
from workflow.failure import EventTimedOut, StepError
from workflow.handlers import Handlers
from workflow.ports import Overtaken
from workflow.retries import Retries
from workflow.settings import WorkflowSettings
from workflow.step import Attempt, Step
from workflow.worker import Worker

ME = {"user": "ana", "workflow_id": "w"}
DELAY = 30


@dataclass
class World:
    """What outlives a worker."""

    now: datetime = datetime(2026, 11, 20, tzinfo=UTC)
    pages: list = field(default_factory=list)
    orders: dict[int, list] = field(default_factory=dict)
    """By sequence: the order, and how often it was given out."""
    timer: tuple[Wake, datetime] | None = None
    told: set[str] = field(default_factory=set)
    effects: list[str] = field(default_factory=list)
    sequence: int = 0

    def order(self, order: Wake) -> None:
        self.sequence += 1
        self.orders[self.sequence] = [order, 0]


class Ports:
    """One process's journals, post and clock. It dies at its call number `dies_at`, before or after that took effect."""

    def __init__(self, world: World, dies_at: int = 10**9, *, after: bool = False) -> None:
        self.world, self.calls, self.dies_at, self.after = world, 0, dies_at, after
        self.dead = asyncio.Event()

    def now(self) -> datetime:
        return self.world.now

    async def _called(self) -> None:
        self.calls += 1
        if self.calls >= self.dies_at + self.after:
            await self.die()
        await asyncio.sleep(0)

    async def die(self) -> None:
        self.dead.set()
        await asyncio.Event().wait()

    async def read(self, user: str, workflow_id: str, after: int) -> list:
        await self._called()
        return [entry for entry in self.world.pages if entry[0] > after]

    async def append(self, page, expect: int) -> tuple[int, int]:
        await self._called()
        if (self.world.pages[-1][0] if self.world.pages else 0) != expect:
            raise Overtaken
        self.world.sequence += 1
        self.world.pages.append((self.world.sequence, type(page).decode(page.encode()), len(page.encode())))
        if self.calls >= self.dies_at:
            await self.die()
        return self.world.sequence, 1

    async def newest(self, user: str) -> list:
        return [self.world.pages[-1][1]]

    async def forget(self, user: str, workflow_id: str) -> None:
        self.world.pages.clear()

    def wake(self, order: Wake):
        self.world.order(order)
        return done()

    def wake_at(self, order: Wake, at: datetime):
        self.world.timer = (order, at)
        return done()

    def tell(self, page, sequence: int):
        self.world.told.add(page.id)
        return done()

    async def grew(self, user: str, workflow_id: str) -> None: ...

    async def is_pending(self, user: str, workflow_id: str, order: int) -> bool:
        return order in self.world.orders


def done() -> asyncio.Future[None]:
    """What is stored at once."""
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


@dataclass
class Model:
    """A program of operations one after the other, carried out as far as it can be."""

    program: list[tuple[str, Any]]
    place: int = 0
    until: datetime | None = None
    failures: int = 0
    paused: bool = False
    ended: str = ""
    run: int = 1
    events: list[str] = field(default_factory=list)
    out: list[Any] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        if self.ended or self.paused:
            return self.ended or "paused"
        return "waiting" if self.program[self.place][0] == "wait" else "sleeping"

    def go(self, now: datetime) -> None:
        while not self.ended and not self.paused:
            if self.place == len(self.program):
                self.ended = "completed"
            elif not self._one(*self.program[self.place], now):
                return

    def _one(self, kind: str, argument: Any, now: datetime) -> bool:
        if kind in ("do", "flaky"):
            return self._do(argument if kind == "flaky" else 0, now)
        if self.until is None:
            self.until = now + timedelta(seconds=argument[1] if kind == "wait" else argument)
        if kind == "wait" and argument[0] in self.events:
            self.events.remove(argument[0])
            return self._next(argument[0])
        return now >= self.until and self._next("late" if kind == "wait" else "slept")

    def _do(self, fails: int, now: datetime) -> bool:
        if self.until is not None and now < self.until:
            return False
        if self.failures < fails:
            self.failures += 1
            if self.failures > 2:
                return self._next("failed")
            self.until = now + timedelta(seconds=DELAY)
            return now >= self.until
        return self._next("done")

    def _next(self, outcome: str) -> bool:
        self.out.append(outcome)
        self.place, self.until, self.failures = self.place + 1, None, 0
        return True

    def restart(self, place: int | None) -> None:
        self.run, self.ended, self.paused, self.until, self.failures = self.run + 1, "", False, None, 0
        self.place = place or 0
        del self.out[self.place :]
        if place is None:
            self.events.clear()


def carried_out_by(world: World):
    """A workflow that does what its program says."""

    async def code(step: Step, params: dict) -> list[str]:
        return [await one(step, f"op {number}", *operation) for number, operation in enumerate(params["program"])]

    async def one(step: Step, name: str, kind: str, argument: Any) -> str:
        async def act(attempt: Attempt) -> str:
            world.effects.append(attempt.key)
            if kind == "flaky" and attempt.number <= argument:
                raise RuntimeError("flaky")
            return "done"

        if kind == "sleep":
            await step.sleep(name, timedelta(seconds=argument))
            return "slept"
        try:
            if kind == "wait":
                return await step.wait_for_event(name, argument[0], timeout=timedelta(seconds=argument[1]))
            return await step.do(name, act, retries=Retries(2, DELAY, "constant"))
        except StepError:
            return "failed"
        except EventTimedOut:
            return "late"

    return workflow("program")(code)


OPERATIONS = st.one_of(
    st.tuples(st.just("do"), st.none()),
    st.tuples(st.just("flaky"), st.integers(1, 4)),
    st.tuples(st.just("sleep"), st.sampled_from([20, 60, 3600])),
    st.tuples(st.just("wait"), st.tuples(st.sampled_from("ab"), st.sampled_from([45, 7200]))),
)


class Machine(RuleBasedStateMachine):
    """After every rule the workers have done what they can; then engine and model agree."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.world = World()
        self.library = Library([carried_out_by(self.world)])

    def teardown(self) -> None:
        self.loop.close()

    @initialize(program=st.lists(OPERATIONS, min_size=1, max_size=5), dies=st.integers(1, 12), after=st.booleans())
    def create(self, program: list, dies: int, after: bool) -> None:
        self.model = Model([(kind, tuple(arg) if isinstance(arg, list) else arg) for kind, arg in program])
        self._ask("create", CreateWorkflow(user="ana", type="program", params={"program": program}, id="w"))
        self._work(dies, after=after)

    @rule(name=st.sampled_from("ab"), dies=st.integers(1, 12), after=st.booleans())
    @precondition(lambda self: not self.model.ended)
    def event(self, name: str, dies: int, after: bool) -> None:
        self._ask("send_event", SendWorkflowEvent(**ME, type=name, payload=name))
        self.model.events.append(name)
        self._work(dies, after=after)

    @rule()
    @precondition(lambda self: not self.model.ended)
    def pause(self) -> None:
        self._ask("pause", PauseWorkflow(**ME))
        self.model.paused = True
        self._work()

    @rule(dies=st.integers(1, 12), after=st.booleans())
    @precondition(lambda self: not self.model.ended)
    def resume(self, dies: int, after: bool) -> None:
        self._ask("resume", ResumeWorkflow(**ME))
        self.model.paused = False
        self._work(dies, after=after)

    @rule()
    @precondition(lambda self: not self.model.ended)
    def terminate(self) -> None:
        self._ask("terminate", TerminateWorkflow(**ME))
        self.model.ended = "terminated"
        self._work()

    @rule(dies=st.integers(1, 12), after=st.booleans())
    def restart(self, dies: int, after: bool) -> None:
        self._ask("restart", RestartWorkflow(**ME))
        self.model.restart(None)
        self._work(dies, after=after)

    @rule(data=st.data())
    @precondition(lambda self: self.model.place > 0)
    def restart_from(self, data) -> None:
        place = data.draw(st.integers(0, self.model.place - 1))
        self._ask("restart", RestartWorkflow(**ME, from_step=f"op {place}"))
        self.model.restart(place)
        self._work()

    @rule(seconds=st.sampled_from([1, 31, 50, 4000, 9000]), dies=st.integers(1, 12), after=st.booleans())
    def time_passes(self, seconds: int, dies: int, after: bool) -> None:
        self.world.now += timedelta(seconds=seconds)
        self._work(dies, after=after)

    @rule()
    def woken_for_nothing(self) -> None:
        self.world.order(Wake(**ME))
        pages = len(self.world.pages)
        self._work()
        assert len(self.world.pages) == pages

    @invariant()
    def they_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        state = self._ask("get", GetWorkflow(**ME))
        assert (state.status, state.run) == (self.model.status, self.model.run)
        ended = [step.status for step in state.steps if step.ended_at]
        assert len(ended) == len(self.model.out)
        if state.status == "completed":
            assert state.output == self.model.out
        assert {page.id for _, page, _ in self.world.pages} <= self.world.told
        assert not self.world.orders

    def _ask(self, call: str, question: Any) -> Any:
        handlers = Handlers(self.library, Ports(self.world), Ports(self.world), Ports(self.world), new_id)
        return self.loop.run(getattr(handlers, call)(question))

    def _work(self, dies: int = 10**9, *, after: bool = False) -> None:
        """A worker does what is to be done, and dies over it; others do the rest."""
        self.model.go(self.world.now)
        self.loop.run(self._drain(Ports(self.world, dies, after=after)))
        self.loop.run(self._drain(Ports(self.world)))

    async def _drain(self, ports: Ports) -> None:
        worker = Worker(new_id("e"), self.library, ports, ports, ports, WorkflowSettings(keep_days=3650))
        while True:
            if self.world.timer is not None and self.world.timer[1] <= self.world.now:
                self.world.order(self.world.timer[0])
                self.world.timer = None
            if not self.world.orders:
                return
            sequence, entry = next(iter(self.world.orders.items()))
            entry[1] += 1
            waking = asyncio.ensure_future(worker.wake(entry[0], Delivery(entry[1], last=False, sequence=sequence)))
            dying = asyncio.ensure_future(ports.dead.wait())
            await asyncio.wait([waking, dying], return_when=asyncio.FIRST_COMPLETED, timeout=20)
            dying.cancel()
            if not waking.done():
                assert ports.dead.is_set(), "it hangs"
                waking.cancel()
                await asyncio.wait([waking])
                return
            waking.result()
            self.world.orders.pop(sequence, None)


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=int(os.environ.get("COLLOQUY_EXAMPLES", "20")),
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
