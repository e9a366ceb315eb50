"""Writing one journal on behalf of a claim: what comes while a page is under way goes out together in the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Literal

from shared.contract.journal import JournalPage, Line, RunRested
from shared.errors import Busy
from shared.ids import new_id
from workflow.clock import Clock
from workflow.history import History, still_wanted
from workflow.ports import Journals, Overtaken, Post
from workflow.standing import ENDS, Claim, right
from workflow.waking import taken

Verdict = Literal["ended", "restarted", "stale", "other", "gone", "unavailable"]
"""Why nothing more may be written here."""

PAGE_BYTES = 600 * 1024
PATIENCE_SECONDS = 30.0
"""How long results are held for a NATS that does not answer; after that the steps are done again by whoever comes next."""

PATIENT_SECONDS = 0.01
"""In which code that has a result mostly comes to its end, or waits for something: both go out in one page."""

AGAIN_SECONDS = 0.2
MOST_UNTOLD = 2
"""Pages whose event may be unconfirmed. Who takes over tells so many again."""

Waiting = tuple[Line, asyncio.Future[None] | None]


class Pen:
    """One writer at a time."""

    def __init__(self, journals: Journals, post: Post, history: History, claim: Claim, clock: Clock) -> None:
        self.history = history
        self.verdict: Verdict | None = None
        self._journals, self._post, self._claim, self._clock = journals, post, claim, clock
        self.came_further: Callable[[], object] = lambda: None
        """Called when something was recorded that a worker lived through."""
        self._stir: Callable[[], object] = lambda: None
        self._run = history.run
        self._waiting: deque[Waiting] = deque()
        self._lock = asyncio.Lock()
        self._told: deque[Awaitable[object]] = deque()
        self._tasks: asyncio.TaskGroup | None = None
        self._writing: asyncio.Task[None] | None = None

    def lend(self, tasks: asyncio.TaskGroup | None, stir: Callable[[], object]) -> None:
        """`tasks` owns the task that writes; with None nothing is written any more.

        `stir` is called when the history has grown, or nothing more may be written.
        """
        self._tasks, self._stir = tasks, stir

    def write(self, line: Line, *, patient: bool = False) -> asyncio.Future[None]:
        """Done when the line is recorded, or somebody else has recorded the same. Never, once there is a verdict.

        `patient`: it may go out with what is written a moment later.
        """
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._waiting.append((line, future))
        if patient:
            loop.call_later(PATIENT_SECONDS, self._flush_left)
        else:
            self.flush()
        return future

    def jot(self, line: Line) -> None:
        """The line goes out before anything that is written later."""
        self._waiting.append((line, None))

    def flush(self) -> None:
        """Has what was jotted go out now."""
        if self._tasks is not None and (self._writing is None or self._writing.done()):
            self._writing = self._tasks.create_task(self._write())

    def _flush_left(self) -> None:
        if self._waiting:
            self.flush()

    async def take(self) -> None:
        """Records the claim before anything else happens."""
        async with self._lock:
            while self.verdict is None and right(self.history.standing.holder, self._claim) != "ours":
                await self._append([taken(self._claim, self._clock.now())])

    async def look(self) -> None:
        """Reads what others have written."""
        async with self._lock:
            await self._catch_up()

    async def rest(self, line: RunRested, seen: int) -> bool:
        """Lets go of the workflow, unless something was written after the page `seen`: then it may be able to go on."""
        async with self._lock:
            if self.history.sequence != seen:
                return False
            lines = self._wanted(self._waiting)
            standing = self.history.standing
            if not lines and standing.holder is None and standing.rest == line.status:
                return True  # woken for nothing: that leaves no trace
            if not await self._append([*lines, line]):
                return False
            self._waiting.clear()
            return True

    async def told(self) -> None:
        """Makes sure that the user's feed knows of everything. Raises Unavailable."""
        while self._told:
            await self._told.popleft()

    async def _write(self) -> None:
        async with self._lock:
            while self._waiting and self.verdict is None:
                await self._write_some()

    async def _write_some(self) -> None:
        some = self._fitting()
        while self.verdict is None:
            lines = self._wanted(some)
            if not lines or await self._append(self._claimed(lines)):
                break
        if self.verdict is None:
            for _, future in some:
                self._waiting.popleft()
                if future is not None and not future.done():
                    future.set_result(None)
            self._stir()

    def _fitting(self) -> list[Waiting]:
        """As many as fit into one message."""
        if len(self._waiting) == 1:
            return list(self._waiting)
        room, some = PAGE_BYTES, list[Waiting]()
        for waiting in self._waiting:
            room -= len(waiting[0].encode())
            if room < 0 and some:
                break
            some.append(waiting)
        return some

    def _wanted(self, some: "deque[Waiting] | list[Waiting]") -> list[Line]:
        return [line for line, _ in some if still_wanted(self.history, line)]

    def _claimed(self, lines: list[Line]) -> list[Line]:
        """Our claim comes first, unless it is ours already, or ends with this page."""
        if right(self.history.standing.holder, self._claim) == "ours" or isinstance(lines[-1], ENDS):
            return lines
        return [taken(self._claim, self._clock.now()), *lines]

    async def _append(self, lines: list[Line]) -> bool:
        """Whether it is stored. If not, the history has grown, or there is a verdict."""
        page, patience = self._page(lines), asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while self.verdict is None:
            try:
                while len(self._told) >= MOST_UNTOLD:
                    await self._told[0]
                    self._told.popleft()
                sequence, size = await self._journals.append(page, self.history.sequence)
            except Overtaken:
                return await self._overtaken(page)
            except Busy:
                await self._be_patient(patience)
            else:
                self._stored(sequence, page, size)
                return True
        return False

    def _page(self, lines: list[Line]) -> JournalPage:
        head = self.history.head
        assert head is not None  # noqa: S101 - nobody has a claim to nothing
        status = self.history.status_with(lines)
        return head.model_copy(update={"id": new_id("e"), "status": status, "lines": lines})

    def _stored(self, sequence: int, page: JournalPage, size: int) -> None:
        self.history.apply(sequence, page, size)
        self._told.append(self._post.tell(page, sequence))
        if not self.history.standing.barren:
            self.came_further()

    async def _overtaken(self, page: JournalPage) -> bool:
        """It may be our own page that was stored and not confirmed (T11)."""
        pages = await self._catch_up()
        for sequence, found, _ in pages:
            if found.id == page.id:
                self._told.append(self._post.tell(page, sequence))
                return True
        return False

    async def _catch_up(self) -> list[tuple[int, JournalPage, int]]:
        """Reads what others have written, and sees whether this is ours to write yet."""
        head = self.history.head
        assert head is not None  # noqa: S101 - as above
        pages: list[tuple[int, JournalPage, int]] = []
        try:
            pages = await self._journals.read(head.user, head.workflow_id, self.history.sequence)
            if not pages and not await self._journals.read(head.user, head.workflow_id, 0):
                self._close("gone")
        except Busy:
            await asyncio.sleep(AGAIN_SECONDS)
        for sequence, page, size in pages:
            self.history.apply(sequence, page, size)
        if pages:
            self._judge()
        return pages

    def _judge(self) -> None:
        mine = right(self.history.standing.holder, self._claim)
        if self.history.end is not None:
            self._close("ended")
        elif self.history.run != self._run:
            self._close("restarted")
        elif mine in ("stale", "other"):
            self._close("stale" if mine == "stale" else "other")
        else:
            self._stir()

    async def _be_patient(self, until: float) -> None:
        if asyncio.get_running_loop().time() > until:
            self._close("unavailable")
        else:
            await asyncio.sleep(AGAIN_SECONDS)

    def _close(self, verdict: Verdict) -> None:
        self.verdict = self.verdict or verdict
        self._stir()
