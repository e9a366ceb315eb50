"""The bus: publish, ask, answer, work, over NATS. The only importer of `nats`, with `wire.py` and `provision.py` beside it."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.contract.base import Message
from shared.contract.subjects import Subject
from shared.contract.topics import Call, Queue
from shared.settings import NatsSettings

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Answer(Generic[Q, A]):
    """A call and the function that answers it."""

    call: Call[Q, A]
    handler: Callable[[Q], Awaitable[A]]


@dataclass(frozen=True, slots=True)
class Stored:
    """JetStream has it. `duplicate`: it already had it, under the same message id."""

    sequence: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """How often an order was delivered, counting from 1, and whether this is the last try."""

    count: int
    last: bool


class Fenced(Exception):
    """Somebody else has written to this subject: `expect` was not its last sequence."""


class Later(Exception):
    """Raised by a work handler: give the order back, to be delivered again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Bus:
    """One connection to NATS, kept for the life of a service. Made by `connect`."""

    async def ask(self, call: Call[Q, A], question: Q, *, timeout: float = 5.0) -> A:
        """The service's answer. Raises the Fault that it reported, or Unavailable when nobody answers in `timeout` seconds.

        "No responders" is retried until the timeout, so a service that restarts is not noticed.
        """
        raise NotImplementedError

    def answer(self, service: str, version: str, answers: Sequence[Answer[Any, Any]]) -> AbstractAsyncContextManager[None]:
        """Answers these calls, concurrently, as the NATS micro service `service` (`$SRV.PING`, `INFO`, `STATS`).

        A Fault becomes the reply's error; anything else is logged with its traceback and answered as `internal`.
        Leaving the context stops taking questions and finishes those that are held.
        """
        raise NotImplementedError

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
        raise NotImplementedError

    async def last(self, subject: Subject) -> tuple[int, bytes] | None:
        """Sequence and data of the newest stored message on this subject, or None."""
        raise NotImplementedError

    async def tell(self, subject: Subject, message: Message) -> None:
        """Core NATS: whoever listens right now hears it; nobody keeps it."""
        raise NotImplementedError

    def listen(self, subject: Subject, kind: type[M], heard: Callable[[M], None]) -> AbstractAsyncContextManager[None]:
        """Calls `heard` for each message told on this subject while the context is open."""
        raise NotImplementedError

    def work(
        self,
        queue: Queue[M],
        handler: Callable[[M, Delivery], Awaitable[None]],
        dead: Callable[[M, str], Awaitable[None]],
        *,
        slots: int,
    ) -> AbstractAsyncContextManager[None]:
        """Carries out orders of `queue`, up to `slots` at a time.

        Returning is the acknowledgement. `Later` and `Busy` give the order back; a bug gives it back with backoff; when it was
        the last delivery, or the order can't be read, it goes to the dead letters with the reason and, if it could be read,
        to `dead`. While a handler runs, the order is marked in progress by a task of its own. Leaving the context
        stops taking orders and then cancels the handlers that still run after `grace` (they raise Later, or are given back).
        """
        raise NotImplementedError


@asynccontextmanager
async def connect(settings: NatsSettings, service: str) -> AsyncGenerator[Bus]:
    """The bus of this process, connected; reconnects for ever, and ends the process when NATS closed it for good.

    Raises Unavailable when NATS can't be reached in `settings.connect_timeout`.
    """
    raise NotImplementedError
    yield Bus()
