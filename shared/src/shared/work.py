"""Carrying out the orders of a queue: each by one worker, never forgotten, buried when nobody can do it."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from prometheus_client import Counter
from pydantic import ValidationError

from shared import headers, tracing
from shared.asking import Asker
from shared.connection import LEAVING_SECONDS, Connection
from shared.contract.base import Message
from shared.contract.subjects import dead as dead_subject
from shared.contract.topics import Queue
from shared.errors import Busy, Unavailable
from shared.held import ACK, ACK_SECONDS, PROGRESS, TERM, Held, backoff, give_back
from shared.publishing import Publisher
from shared.pulling import Puller
from shared.tasks import owned
from shared.wire import Offline

log: structlog.stdlib.BoundLogger = structlog.get_logger()

M = TypeVar("M", bound=Message)

BURIED = Counter("colloquy_dead_letters_total", "Orders that could not be done.", ["queue"])

PUT_ASIDE_PER_SLOT = 4
"""How many orders may wait here for their time, for each slot, before no more are taken."""

HAND_OVER_SECONDS = 4.0
"""What a cancelled handler has to say goodbye in."""

LEAVING_ACK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """How often an order was delivered, counting from 1, whether this is the last try, and its place in the stream."""

    count: int
    last: bool
    sequence: int = 0


class Later(Exception):
    """Raised by a work handler: give the order back, to be delivered again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class NotMine(Exception):
    """Raised by a work handler: give the order back, for any worker to take after `seconds`. Counts as a delivery."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class TakenOver(Exception):
    """Raised by a work handler: the order was given to somebody else meanwhile. Says nothing: an ack would be theirs (T12)."""


@dataclass(frozen=True, slots=True)
class Job(Generic[M]):
    """What is done with the orders of a queue, and how many at a time."""

    queue: Queue[M]
    handler: Callable[[M, Delivery], Awaitable[None]]
    dead: Callable[[M, str], Awaitable[None]]
    slots: int
    grace: float


class Worker(Generic[M]):
    """One process's part of a queue."""

    def __init__(
        self, connection: Connection, asker: Asker, publisher: Publisher, job: Job[M], tasks: asyncio.TaskGroup
    ) -> None:
        self._connection = connection
        self._asker = asker
        self._publisher = publisher
        self._job = job
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._held: dict[bytes, Held] = {}
        self._ready: deque[Held] = deque()
        self._running: dict[asyncio.Task[None], Held] = {}
        self._aside: dict[bytes, asyncio.TimerHandle] = {}
        self._leaving = False
        self._puller = Puller(connection.wire, job.queue.stream, job.queue.name, self._room, self._take)

    def begin(self) -> None:
        """Asks for the first orders."""
        self._puller.top_up()

    async def tick(self) -> None:
        """Marks everything held as in progress, for as long as this process lives. A task of its own (F29)."""
        while True:
            await asyncio.sleep(self._job.queue.ack_wait / 3)
            with suppress(Offline):
                for ack in list(self._held):
                    self._connection.wire.publish(ack, PROGRESS)
            self._puller.look_again()

    def _room(self) -> int:
        """Slots that are free; none while too many orders wait here for their time."""
        slots = self._job.slots
        free = slots - len(self._running) - len(self._ready)
        return min(free, slots * (1 + PUT_ASIDE_PER_SLOT) - len(self._held))

    def _take(self, subject: bytes, ack: bytes, header: bytes | None, data: bytes) -> None:
        order = Held(subject, ack, header, data)
        self._held[ack] = order
        self._ready.append(order)
        self._fill_slots()

    def _fill_slots(self) -> None:
        while self._ready and len(self._running) < self._job.slots and not self._leaving:
            order = self._ready.popleft()
            task = self._tasks.create_task(self._carry_out(order))
            self._running[task] = order
            task.add_done_callback(self._slot_freed)
        self._puller.top_up()

    def _slot_freed(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._fill_slots()

    # --- one order ----------------------------------------------------------------------------------------------------

    async def _carry_out(self, order: Held) -> None:
        """Tries, and turns the outcome into an acknowledgement. Catches everything: this is the bus's own loop."""
        try:
            with tracing.continued(order.header):
                await self._attempt(order)
        except Later as later:
            await self._put_aside(order, later.seconds)
        except Busy as busy:
            await self._put_aside(order, busy.retry_after)
        except NotMine as passed:
            await self._release(order, give_back(passed.seconds))
        except TakenOver:
            del self._held[order.ack]
        except asyncio.CancelledError:
            await self._release(order, give_back(0))
        except Exception:
            log.exception("bus.work_failed", queue=self._job.queue.name, delivery=order.count)
            await self._failed(order)
        else:
            await self._release(order, TERM if order.doom else ACK)

    async def _attempt(self, order: Held) -> None:
        queue = self._job.queue
        if order.count > queue.deliveries and not order.doom:
            order.doom = f"given up after {queue.deliveries} deliveries"
        message = self._read(order)
        if order.doom:
            await self._bury(order, message)
        elif message is not None:
            await self._job.handler(message, Delivery(order.count, order.count == queue.deliveries, order.sequence))

    def _read(self, order: Held) -> M | None:
        try:
            return self._job.queue.order.decode(order.data)
        except ValidationError as error:
            order.doom = f"can't be read: {error.error_count()} fields are not of the form {error.title}"
            return None

    async def _failed(self, order: Held) -> None:
        """A bug. It may be the worker's or this moment's, so another try, but not for ever."""
        if order.doom:
            await self._put_aside(order, backoff(order.count))
        elif order.count >= self._job.queue.deliveries:
            order.doom = f"failed {order.count} times"
            await self._carry_out(order)
        else:
            await self._release(order, give_back(backoff(order.count)))

    async def _bury(self, order: Held, message: M | None) -> None:
        """First kept, then told, then gone: whatever fails in between comes again."""
        queue = self._job.queue.name
        lines = headers.line(b"Colloquy-Reason", order.doom) + headers.line(b"Colloquy-Deliveries", str(order.count))
        lines += headers.line(b"Nats-Msg-Id", f"{self._job.queue.stream}-{order.sequence}")
        subject = dead_subject(queue, order.user)
        await self._publisher.publish(subject, headers.block(lines), order.data, timeout=5.0).future
        if message is not None:
            await self._job.dead(message, order.doom)
        BURIED.labels(queue).inc()
        log.error("bus.order_buried", queue=queue, reason=order.doom, deliveries=order.count)

    # --- letting go ---------------------------------------------------------------------------------------------------

    async def _put_aside(self, order: Held, seconds: float) -> None:
        """Kept here until its time: given back to the stream, its wait would count as a failed delivery."""
        if self._leaving:
            await self._release(order, give_back(seconds))
        else:
            self._aside[order.ack] = self._loop.call_later(seconds, self._due, order)

    def _due(self, order: Held) -> None:
        del self._aside[order.ack]
        self._ready.append(order)
        self._fill_slots()

    async def _release(self, order: Held, words: bytes) -> None:
        try:
            await order.say(self._asker, words, timeout=LEAVING_ACK_SECONDS if self._leaving else ACK_SECONDS)
        except Unavailable:
            log.warning("bus.ack_unconfirmed", queue=self._job.queue.name, delivery=order.count)
        finally:
            self._held.pop(order.ack, None)

    async def leave(self) -> None:
        """Takes no more, lets the running ones finish for `grace`, then has them hand over; gives back what is left."""
        self._leaving = True
        self._puller.stop()
        for timer in self._aside.values():
            timer.cancel()
        await self._unsubscribe()
        running = set(self._running)
        waiting = [order for order in self._held.values() if order not in self._running.values()]
        async with asyncio.TaskGroup() as tasks:
            for order in waiting:
                tasks.create_task(self._release(order, give_back(0)))
            if running:
                tasks.create_task(self._finish(running))

    async def _finish(self, running: set[asyncio.Task[None]]) -> None:
        _, late = await asyncio.wait(running, timeout=self._job.grace)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=HAND_OVER_SECONDS)

    async def _unsubscribe(self) -> None:
        """The server forgets first: what it has sent by then is heard, and given back at once."""
        wire = self._connection.wire
        wire.send(b"UNSUB %d\r\n" % self._puller.sid)
        with suppress(Unavailable):
            await self._connection.settle(LEAVING_SECONDS)
        wire.unsubscribe(self._puller.sid)


@asynccontextmanager
async def working(connection: Connection, asker: Asker, publisher: Publisher, job: Job[M]) -> AsyncGenerator[None]:
    """Carries out orders while the context is open."""
    async with owned() as tasks:
        worker = Worker(connection, asker, publisher, job, tasks)
        ticker = tasks.create_task(worker.tick())
        worker.begin()
        try:
            yield
        finally:
            await worker.leave()
            ticker.cancel()
