"""The bus: publish, ask, answer, work, over NATS. Its neighbours do the work; this is what the services see."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from shared import headers, tracing
from shared.answering import Answer, answering, fault_in
from shared.asking import Asker
from shared.connection import Connection, connected
from shared.contract.base import Message
from shared.contract.subjects import Subject
from shared.contract.topics import Call, Queue
from shared.erasing import Eraser
from shared.errors import Fault, Invalid, Unavailable
from shared.packing import pack, unpack
from shared.publishing import Fenced, Publisher, Rejected, Stored
from shared.reading import Entry, Reader
from shared.searching import subjects_of
from shared.settings import NatsSettings
from shared.wire import Offline, Wire
from shared.work import Delivery, Job, Later, NotMine, TakenOver, working

__all__ = [
    "Answer",
    "Bus",
    "Delivery",
    "Entry",
    "Fenced",
    "Later",
    "NotMine",
    "Rejected",
    "Stored",
    "TakenOver",
    "connect",
]

log: structlog.stdlib.BoundLogger = structlog.get_logger()

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)
M = TypeVar("M", bound=Message)


class Bus:
    """One connection to NATS, kept for the life of a service. Made by `connect`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._asker = Asker(connection)
        self._publisher = Publisher(connection.wire)
        self._reader = Reader(connection.wire)

    @property
    def wire(self) -> Wire:
        """The fast lane beneath, for the feed."""
        return self._connection.wire

    async def ask(self, call: Call[Q, A], question: Q, *, timeout: float = 5.0) -> A:
        """The service's answer. Raises the Fault that it reported, or Unavailable when nobody answers in `timeout` seconds.

        "No responders" is retried until the timeout, so a service that restarts is not noticed.
        """
        header, data = pack(tracing.current(), _encoded(question))
        reply = await self._asker.ask(call.subject.encode(), data, header=header, timeout=timeout)
        fault = fault_in(reply)
        if fault is not None:
            raise fault
        return call.answer.decode(unpack(reply.header, reply.data))

    def answer(self, service: str, version: str, answers: Sequence[Answer[Any, Any]]) -> AbstractAsyncContextManager[None]:
        """Answers these calls, concurrently, as the NATS micro service `service` (`$SRV.PING`, `INFO`, `STATS`).

        A Fault becomes the reply's error; anything else is logged with its traceback and answered as `internal`.
        Leaving the context stops taking questions and finishes those that are held.
        """
        return answering(self._connection, service, version, answers)

    async def store(
        self,
        subject: Subject,
        data: bytes,
        *,
        type: str = "",  # noqa: A002 - the name of the header
        msg_id: str | None = None,
        ttl: int | None = None,
        expect: int | None = None,
        timeout: float = 5.0,
    ) -> Stored:
        """Publishes to the stream that captures `subject` and waits for its PubAck.

        Retries what is known to be passing (no responders, not ready, timeouts) until `timeout` seconds have gone; a timeout
        means unknown, not failed. `msg_id` lets the stream drop an immediate repetition. `expect` is the last sequence that
        the subject must have (0: none); raises Fenced when it has another. `ttl` in seconds. Raises TooLarge, StorageFull,
        Unavailable. Calls made one after the other without awaiting in between reach the stream in that order.
        """
        lines = _fixed_lines(type, ttl)
        if ttl is None:  # what is kept for good; a token would pay 1 µs for a trace that nobody reads
            lines += tracing.current()
        if msg_id is not None:
            lines += headers.line(b"Nats-Msg-Id", msg_id)
        if expect is not None:
            lines += b"Nats-Expected-Last-Subject-Sequence: %d\r\n" % expect
        order = self._publisher.publish(subject, headers.block(lines), data, timeout)
        try:
            return await order.future
        except Fenced:
            if order.attempts == 1 or expect is None:
                raise
            return await self._ours(subject, data, expect)

    def append(
        self,
        subject: Subject,
        data: bytes,
        *,
        type: str,  # noqa: A002 - the name of the header
        ttl: int,
        expect: int,
        timeout: float = 5.0,
    ) -> asyncio.Future[Stored]:
        """`store` for a log with one writer, by a plain call: sent before it returns, the future is the PubAck.

        Raises TooLarge and Unavailable at once. Fenced can also mean that the message is stored and only its first ack was
        lost (T11): look before you give up. Cancelling the future stops the retries.
        """
        lines = b"%bNats-Expected-Last-Subject-Sequence: %d\r\n" % (_fixed_lines(type, ttl), expect)
        return self._publisher.publish(subject, headers.block(lines), data, timeout).future

    def storing(
        self,
        subject: Subject,
        data: bytes,
        *,
        type: str = "",  # noqa: A002 - the name of the header
        msg_id: str,
        timeout: float = 5.0,
    ) -> asyncio.Future[Stored]:
        """`store` by a plain call: sent before it returns, and the future ends as `store` would; it raises nothing itself."""
        try:
            lines = _fixed_lines(type, None) + tracing.current() + headers.line(b"Nats-Msg-Id", msg_id)
            return self._publisher.publish(subject, headers.block(lines), data, timeout).future
        except Fault as fault:
            failed = asyncio.get_running_loop().create_future()
            failed.set_exception(fault)
            return failed

    def schedule(
        self, subject: Subject, data: bytes, *, at: datetime, target: Subject, timeout: float = 5.0
    ) -> asyncio.Future[Stored]:
        """Has JetStream publish `data` on `target`, of the same stream, at a time; at once when that is over.

        By a plain call, like `storing`: sent before it returns. There is one for each subject: a later call replaces it.
        """
        lines = headers.line(b"Nats-Schedule", f"@at {at.astimezone(UTC).isoformat(timespec='microseconds')[:26]}Z")
        lines += headers.line(b"Nats-Schedule-Target", target)
        return self._publisher.publish(subject, headers.block(lines), data, timeout).future

    async def last(self, subject: Subject) -> tuple[int, bytes] | None:
        """Sequence and data of the newest stored message on this subject, or None."""
        return await self._reader.last(subject)

    async def read(self, subject: Subject, *, after: int = 0) -> list[Entry]:
        """All stored messages of this subject after a sequence, as (sequence, event name, data). Raises Unavailable."""
        return await self._reader.after(subject, after)

    async def some(self, subject: Subject, *, after: int, limit: int) -> list[Entry]:
        """The first `limit` of them. Raises Unavailable."""
        return await self._reader.after(subject, after, limit=limit)

    async def newest(self, subjects: Sequence[Subject]) -> list[Entry]:
        """The newest message of each of these subjects of one stream, as (sequence, event name, data). Raises Unavailable."""
        return await self._reader.newest(subjects)

    async def exists(self, subject: Subject, sequence: int) -> bool:
        """Whether the stream of this subject still holds the message of this sequence. Raises Unavailable."""
        return await self._reader.exists(subject, sequence)

    async def subjects(self, of: Subject) -> list[Subject]:
        """The subjects that match this filter and have stored messages. Raises Unavailable."""
        return await subjects_of(self._asker, of)

    async def erase(self, trace: Subject) -> int:
        """Erases every stored message of this subject or filter, its bytes too; answers how many. Raises Unavailable."""
        return await Eraser(self._asker, self._reader).erase(trace)

    async def tell(self, subject: Subject, message: Message) -> None:
        """Core NATS: whoever listens right now hears it; nobody keeps it. Raises TooLarge, Unavailable."""
        try:
            header, data = pack(tracing.current(), _encoded(message))
            self.wire.publish(subject.encode(), data, header=header)
        except Offline:
            raise Unavailable from None

    def listen(self, subject: Subject, kind: type[M], heard: Callable[[M], None]) -> AbstractAsyncContextManager[None]:
        """Calls `heard` for each message told on this subject while the context is open.

        What this process asks or publishes afterwards comes to NATS after the subscription.
        """
        return _listening(self.wire, subject, kind, heard)

    def work(
        self,
        queue: Queue[M],
        handler: Callable[[M, Delivery], Awaitable[None]],
        dead: Callable[[M, str], Awaitable[None]],
        *,
        slots: int,
        grace: float = 1.0,
    ) -> AbstractAsyncContextManager[None]:
        """Carries out orders of `queue`, up to `slots` at a time.

        Returning is the acknowledgement. `Later` and `Busy` give the order back; a bug gives it back with backoff; when it was
        the last delivery, or the order can't be read, it goes to the dead letters with the reason and, if it could be read,
        to `dead`. While a handler runs, the order is marked in progress by a task of its own. Leaving the context
        stops taking orders and then cancels the handlers that still run after `grace` (they raise Later, or are given back).
        """
        job = Job(queue, handler, dead, slots, grace)
        return working(self._connection, self._asker, self._publisher, job)

    async def _ours(self, subject: Subject, data: bytes, expect: int) -> Stored:
        """An attempt that was repeated may have been stored the first time: then nobody has fenced us out (T11)."""
        first = await self._reader.after(subject, expect, limit=1)
        if not first or first[0][2] != data:
            raise Fenced(f"another message is at {first[0][0] if first else 0}")
        return Stored(first[0][0], duplicate=True)


@asynccontextmanager
async def connect(settings: NatsSettings, service: str) -> AsyncGenerator[Bus]:
    """The bus of this process, connected; reconnects for ever, and ends the process when NATS closed it for good.

    Raises Unavailable when NATS can't be reached in `settings.connect_timeout`.
    """
    async with connected(settings, service) as connection:
        yield Bus(connection)


@asynccontextmanager
async def _listening(wire: Wire, subject: Subject, kind: type[M], heard: Callable[[M], None]) -> AsyncGenerator[None]:
    def hear(_subject: bytes, header: bytes | None, data: bytes) -> None:
        try:
            heard(kind.decode(unpack(header, data)))
        except (ValidationError, Invalid):
            log.warning("bus.unreadable", subject=subject, expected=kind.__name__)

    sid = wire.subscribe(subject, hear)
    try:
        yield
    finally:
        wire.unsubscribe(sid)


def _encoded(message: Message) -> bytes:
    try:
        return message.encode()
    except (PydanticSerializationError, UnicodeEncodeError):  # lone surrogates (F35)
        raise Invalid("That text has no UTF-8 form.") from None


@lru_cache(maxsize=256)
def _fixed_lines(type_name: str, ttl: int | None) -> bytes:
    lines = headers.line(b"Event-Type", type_name) if type_name else b""
    return lines + (b"Nats-TTL: %ds\r\n" % ttl if ttl is not None else b"")
