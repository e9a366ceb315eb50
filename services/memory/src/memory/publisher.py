"""Sends what transactions leave behind: each user's in order, users side by side, an order right behind its facts."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any

import structlog
from prometheus_client import Gauge

from memory.outbox import Letter, Mail
from memory.ports import Post
from shared.bus import Rejected, Stored
from shared.contract.inference import StopNow
from shared.contract.subjects import stop_signal
from shared.errors import Busy, Fault, Refused
from shared.tasks import owned

log: structlog.stdlib.BoundLogger = structlog.get_logger()

WAITING = Gauge("colloquy_memory_outbox_waiting", "Events and orders that NATS has not confirmed yet.")

FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.1, 2.0
TIDY_SECONDS = 1.0
"""How long confirmed letters are collected before they are deleted: that is a commit, and a turn's takes 0.5 ms of CPU."""

TIDY_AT_ONCE = 256
"""Letters that one write deletes (1 ms); others come in between."""

REMEMBERED = 10_000
"""Users of whom it is remembered how far their letters were sent; of others a few are sent again."""

Sending = Sequence[tuple[Letter, asyncio.Future[Stored]]]
Forget = Callable[[Sequence[str]], Awaitable[None]]
SetAside = Callable[[Letter, str], Awaitable[None]]


class Publisher:
    """Made by `publishing`. Whatever it could not send before the end is in the outbox, for the next start."""

    def __init__(self, post: Post, tasks: asyncio.TaskGroup, forget: Forget, set_aside: SetAside) -> None:
        self._post, self._tasks = post, tasks
        self._forget, self._set_aside = forget, set_aside
        self._chains: dict[str, deque[Sequence[Letter]]] = {}
        self._confirmed: list[str] = []
        self._held: set[str] = set()
        self._sent_up_to: dict[str, int] = {}
        self._something = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False
        self.waiting = 0

    def submit(self, mail: Mail) -> None:
        """Sends the mail of one committed transaction. Called in the order of commits; does not wait."""
        if self._closed:
            return
        for generation_id in mail.stops:
            self._spawn(self._tell_stop(generation_id))
        self.load(mail.earlier)
        self._count(len(mail.letters) + len(mail.stops))
        for user, group in groupby(mail.letters, key=lambda letter: letter.user):
            letters = sorted(group, key=lambda letter: letter.kind == "order")
            self._held.update(letter.id for letter in letters)
            self._enqueue(user, letters)
            self._note(user, letters[0].version)

    def load(self, letters: Iterable[Letter]) -> None:
        """Sends what was left in the outbox, in the order it was written, unless it is being sent already."""
        for (user, _), group in groupby(letters, key=lambda letter: (letter.user, letter.version)):
            some = sorted(
                (letter for letter in group if letter.id not in self._held), key=lambda letter: letter.kind == "order"
            )
            if some and not self._closed:
                self._held.update(letter.id for letter in some)
                self._count(len(some))
                self._enqueue(user, some)

    def sent_up_to(self, user: str) -> int:
        """Up to this version of the user's state all that was unconfirmed has been sent from here; 0 when that is not known."""
        return self._sent_up_to.get(user, 0)

    def _note(self, user: str, version: int) -> None:
        self._sent_up_to[user] = max(version, self._sent_up_to.pop(user, 0))
        if len(self._sent_up_to) > REMEMBERED:
            del self._sent_up_to[next(iter(self._sent_up_to))]

    async def close(self, grace: float) -> None:
        """Takes nothing more; gives what is under way `grace` seconds."""
        self._closed = True
        try:
            async with asyncio.timeout(grace):
                await self._idle.wait()
        except TimeoutError:
            log.warning("outbox.left", letters=self.waiting)
        for task in self._running:
            task.cancel()
        await self._tidy()

    async def tidy_for_ever(self) -> None:
        """Deletes what has been confirmed, many at a time: never a commit for each."""
        while True:
            await self._something.wait()
            await asyncio.sleep(TIDY_SECONDS)
            if not await self._tidy():
                await asyncio.sleep(1.0)

    async def _tidy(self) -> bool:
        self._something.clear()
        while self._confirmed:
            some, self._confirmed = self._confirmed[:TIDY_AT_ONCE], self._confirmed[TIDY_AT_ONCE:]
            try:
                await self._forget(some)
            except Fault as fault:
                self._confirmed += some
                log.warning("outbox.not_tidied", code=fault.code, letters=len(self._confirmed))
                self._something.set()
                return False
            self._held.difference_update(some)
        return True

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _enqueue(self, user: str, letters: Sequence[Letter]) -> None:
        chain = self._chains.get(user)
        if chain is None:
            chain = self._chains[user] = deque[Sequence[Letter]]()
            self._spawn(self._drain(user, chain, self._send(letters)))
        else:
            chain.append(letters)

    async def _drain(self, user: str, chain: deque[Sequence[Letter]], sending: Sending) -> None:
        await self._see_through(sending)
        while chain:
            await self._see_through(self._send(chain.popleft()))
        del self._chains[user]

    async def _see_through(self, sending: Sending) -> None:
        left = await self._unsent(sending)
        orders = [letter for letter in left if letter.kind == "order"]
        if orders:  # a work queue that is full must not keep facts waiting
            self._spawn(self._insist(orders))
        await self._insist([letter for letter in left if letter.kind == "fact"])

    async def _insist(self, letters: Sequence[Letter]) -> None:
        """Until all of them are stored, or known to be impossible."""
        delay = FIRST_RETRY_SECONDS
        while letters:
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_RETRY_SECONDS)
            letters = await self._unsent(self._send(letters))

    def _send(self, letters: Sequence[Letter]) -> Sending:
        """Those of one transaction go out together, the order last: the answer that it brings about is stored after the facts
        that it follows."""
        return [
            (letter, self._post.storing(letter.subject, letter.data, type=letter.type, msg_id=letter.id)) for letter in letters
        ]

    async def _unsent(self, sending: Sending) -> Sequence[Letter]:
        """Those that have to be sent again, once it is known of all."""
        try:
            return [letter for letter, stored in sending if not await self._is_done(letter, stored)]
        finally:
            for _, stored in sending:
                stored.cancel()

    async def _is_done(self, letter: Letter, stored: asyncio.Future[Stored]) -> bool:
        try:
            await stored
        except Busy as fault:
            log.warning("outbox.waits", code=fault.code, letter=letter.id, type=letter.type)
            return False
        except (Refused, Rejected) as error:
            await self._put_aside(letter, error.code if isinstance(error, Refused) else str(error))
            self._held.discard(letter.id)
        else:
            self._confirmed.append(letter.id)
            self._something.set()
        self._count(-1)
        return True

    async def _put_aside(self, letter: Letter, reason: str) -> None:
        log.error("outbox.poisoned", reason=reason, letter=letter.id, type=letter.type, bytes=len(letter.data))
        try:
            await self._set_aside(letter, reason)
        except Fault as failed:
            log.warning("outbox.not_set_aside", code=failed.code, letter=letter.id)

    async def _tell_stop(self, generation_id: str) -> None:
        try:
            await self._post.tell(stop_signal(generation_id), StopNow(generation_id=generation_id))
        except Fault as fault:
            # The worker learns it at its next renewal.
            log.warning("stop.not_told", code=fault.code, generation=generation_id)
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        self.waiting += more
        if self.waiting:
            self._idle.clear()
        else:
            self._idle.set()


@asynccontextmanager
async def publishing(post: Post, forget: Forget, set_aside: SetAside, grace: float) -> AsyncGenerator[Publisher]:
    """A publisher that works while the context is open; leaving gives what is under way `grace` seconds."""
    async with owned() as tasks:
        publisher = Publisher(post, tasks, forget, set_aside)
        WAITING.set_function(lambda: publisher.waiting)
        tidying = tasks.create_task(publisher.tidy_for_ever())
        try:
            yield publisher
        finally:
            await publisher.close(grace)
            tidying.cancel()
