"""Taking the orders to look at workflows, and seeing to it that each of them goes on, once."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from prometheus_client import Counter, Gauge

from shared.bus import Delivery, NotMine, TakenOver
from shared.contract.journal import JournalPage, RunRested, WorkflowFailed
from shared.contract.workflow import JournalGrew, Wake
from shared.errors import Unavailable
from workflow import waking
from workflow.activation import Activation, Ending, Limits
from workflow.arriving import arrived
from workflow.clock import Clock
from workflow.definition import Library
from workflow.failure import Doomed
from workflow.history import History
from workflow.pen import MOST_UNTOLD, Pen
from workflow.ports import FromTheFuture, Journals, Post
from workflow.settings import WorkflowSettings
from workflow.standing import Claim

log: structlog.stdlib.BoundLogger = structlog.get_logger()

RUNNING = Gauge("colloquy_workflows_running", "Workflows that this process runs right now.")
RUNS = Counter("colloquy_workflow_runs_total", "How runs of workflows came to an end here.", ["type", "ending"])

NOT_MINE_SECONDS = 5.0
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

Key = tuple[str, str]


@dataclass(slots=True)
class Running:
    """A workflow that this process runs."""

    order: int
    again: bool = False
    due: datetime = BEGINNING
    look: Callable[[], None] = field(default=lambda: None)


class Worker:
    """One process's part in running workflows."""

    def __init__(
        self, name: str, library: Library, journals: Journals, post: Post, clock: Clock, settings: WorkflowSettings
    ) -> None:
        self._name, self._library, self._journals, self._post, self._clock = name, library, journals, post, clock
        self._keep = timedelta(days=settings.keep_days)
        self._limits = Limits(settings.max_steps, settings.max_journal_bytes)
        self._running: dict[Key, Running] = {}
        self._suspect = asyncio.Lock()
        self._unsure: set[Key] = set()
        """Workflows whose last events may not be on the feed."""

    async def wake(self, order: Wake, delivery: Delivery) -> None:
        """Carries out an order. Raises NotMine, TakenOver, and Busy when it should be tried again here."""
        key = (order.user, order.workflow_id)
        due = order.due or BEGINNING
        running = self._running.get(key)
        if running is not None:
            running.again, running.due = True, max(running.due, due)
            running.look()
            if running.order == delivery.sequence:  # given out again, to ourselves: whoever began it will acknowledge it
                raise TakenOver
            return
        running = self._running[key] = Running(delivery.sequence, due=due)
        RUNNING.set(len(self._running))
        try:
            await self._run(order, Claim(self._name, delivery.sequence, delivery.count), running)
        except FromTheFuture:
            raise NotMine(NOT_MINE_SECONDS) from None
        finally:
            del self._running[key]
            RUNNING.set(len(self._running))

    async def bury(self, order: Wake, reason: str) -> None:
        """An order that nobody could carry out; its workflow stays as it is."""
        log.error("workflow.order_lost", workflow=order.workflow_id, reason=reason)

    def grew(self, signal: JournalGrew) -> None:
        """Somebody has written into a journal."""
        running = self._running.get((signal.user, signal.workflow_id))
        if running is not None:
            running.look()

    async def _run(self, order: Wake, claim: Claim, running: Running) -> None:
        """Again and again, as long as there is a reason to."""
        pages = await arrived(self._journals, order)
        while True:
            running.again = False
            history = _folded(pages)
            told = self._tell_again(pages, history, claim)
            ending = await self._act(history, claim, running)
            for each in told:
                await each
            if not running.again and ending not in ("restarted", "other"):
                return
            pages = await self._journals.read(order.user, order.workflow_id, 0)

    async def _act(self, history: History, claim: Claim, running: Running) -> Ending | None:
        """Does what is to be done now. None: nothing was run."""
        what = waking.decide(history, claim, self._now(running), self._keep_of(history))
        if what == "elsewhere":
            if await self._is_held(history):
                return None
            history.standing = history.standing.let_go()
            what = waking.decide(history, claim, self._now(running), self._keep_of(history))
        if what == "taken_over":
            raise TakenOver
        if what in ("run", "rest", "hopeless"):
            return await self._activate(history, claim, running, what)
        if history.head is not None and history.end is not None:
            await self._see_off(history, history.head, forget=what == "forget")
        return None

    async def _is_held(self, history: History) -> bool:
        """Whether the order by which somebody runs it still exists: then it is being done, or will be given out again."""
        head, holder = history.head, history.standing.holder
        return (
            holder is not None and head is not None and await self._post.is_pending(head.user, head.workflow_id, holder.order)
        )

    async def _activate(self, history: History, claim: Claim, running: Running, what: waking.Waking) -> Ending:
        head, created = history.head, history.created
        assert head is not None and created is not None  # noqa: S101, PT018 - decided before
        definition = self._library.find(head.type)
        if definition is None or definition.version < created.version:
            raise NotMine(NOT_MINE_SECONDS)  # another worker may have newer code (F44)
        key = (head.user, head.workflow_id)
        self._unsure.add(key)
        pen = Pen(self._journals, self._post, history, claim, self._clock)
        if what == "rest":
            await pen.rest(RunRested(at=self._now(running), status="paused"), history.sequence)
            ending: Ending = pen.verdict or "rested"
        else:
            activation = Activation(
                definition, history, pen, self._journals, self._post, partial(self._now, running), self._limits
            )
            running.look = activation.look
            async with self._apart(pen):
                ending = await self._carry_out(activation, pen, claim, hopeless=what == "hopeless")
        await self._leave(pen, head, ending)
        self._unsure.discard(key)
        return ending

    @asynccontextmanager
    async def _apart(self, pen: Pen) -> AsyncGenerator[None]:
        """One over which many have died runs beside none that is like it, until it has come further."""
        if pen.history.standing.barren < waking.SUSPICIOUS:
            yield
            return
        await self._suspect.acquire()
        pen.came_further = once(self._suspect.release)
        try:
            yield
        finally:
            pen.came_further()

    async def _carry_out(self, activation: Activation, pen: Pen, claim: Claim, *, hopeless: bool) -> Ending:
        if hopeless:
            activation.doom(Doomed("worker_lost", f"{waking.MOST_BARREN} workers in a row have died over it."))
        elif claim.delivery >= waking.EAGER_DELIVERY:
            await pen.take()
        ending = await activation.run()
        RUNS.labels(activation.type, ending).inc()
        return ending

    async def _leave(self, pen: Pen, head: JournalPage, ending: Ending) -> None:
        """What has to be sure before the order is acknowledged."""
        if ending == "unavailable":
            raise Unavailable
        await pen.told()
        end = pen.history.end
        if end is not None:
            code = end.error.code if isinstance(end, WorkflowFailed) else None
            log.info("workflow.ended", workflow=head.workflow_id, type=head.type, status=pen.history.status, code=code)
            await self._see_off(pen.history, head, forget=False)
        if ending == "stale":
            raise TakenOver

    async def _see_off(self, history: History, head: JournalPage, *, forget: bool) -> None:
        """What has ended is erased when it was kept long enough."""
        if forget:
            await self._journals.forget(head.user, head.workflow_id)
            log.info("workflow.forgotten", workflow=head.workflow_id)
        elif history.end is not None:
            until = history.end.at + self._keep_of(history)
            await self._post.wake_at(Wake(user=head.user, workflow_id=head.workflow_id, due=until), until)

    def _keep_of(self, history: History) -> timedelta:
        definition = self._library.find(history.head.type) if history.head else None
        shorter = definition.keep if definition is not None else None
        return self._keep if shorter is None else min(self._keep, shorter)

    def _tell_again(self, pages: list[tuple[int, JournalPage, int]], history: History, claim: Claim) -> list[Awaitable[object]]:
        """What a worker before this one may not have come to tell."""
        head = history.head
        if head is None:
            return []
        unsure = (head.user, head.workflow_id) in self._unsure
        if claim.delivery == 1 and history.standing.holder is None and not unsure:
            return []
        return [self._post.tell(page, sequence) for sequence, page, _ in pages[-MOST_UNTOLD:]]

    def _now(self, running: Running) -> datetime:
        """At least the moment for which the order was set: it has come, whatever our clock says (F33)."""
        return max(self._clock.now(), running.due)


def once(call: Callable[[], None]) -> Callable[[], None]:
    """Calls it the first time."""
    left = [call]
    return lambda: left.pop()() if left else None


def _folded(pages: list[tuple[int, JournalPage, int]]) -> History:
    history = History()
    for sequence, page, size in pages:
        history.apply(sequence, page, size)
    return history
