"""Answering questions as a NATS micro service (ADR-32): concurrently, with faults as error replies."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, TypeVar

import structlog
from pydantic import ValidationError

from shared import headers, tracing
from shared.asking import Reply
from shared.connection import LEAVING_SECONDS, Connection
from shared.contract.base import Message
from shared.contract.topics import Call
from shared.errors import Busy, Fault, Invalid, TooLarge, Unavailable, fault_of
from shared.packing import pack, unpack
from shared.tasks import owned
from shared.wire import Offline

log: structlog.stdlib.BoundLogger = structlog.get_logger()

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)
Json = dict[str, Any]

MAX_HELD = 4_096
"""Questions in work at a time. More are answered as busy at once, which is kinder than a timeout."""

REPLY_SECONDS = 5.0
"""How long an answer waits for a lost connection; who asked has given up by then."""

AGAIN_SECONDS = (0.3, 1.0)
"""After a lost connection the answer is sent more than once: who asked may have it back later than we."""

ERROR, ERROR_CODE = b"Nats-Service-Error", b"Nats-Service-Error-Code"
BUG = "Something went wrong here; it has been logged."
TYPE = "io.nats.micro.v1."


@dataclass(frozen=True, slots=True)
class Answer(Generic[Q, A]):
    """A call and the function that answers it."""

    call: Call[Q, A]
    handler: Callable[[Q], Awaitable[A]]


@dataclass(slots=True)
class _Endpoint:
    """A call with its statistics."""

    answer: Answer[Any, Any]
    requests: int = 0
    errors: int = 0
    last_error: str = ""
    nanoseconds: int = 0

    def info(self) -> Json:
        call = self.answer.call
        return {"name": call.name, "subject": call.subject, "queue_group": call.service, "metadata": {}}

    def stats(self) -> Json:
        average = self.nanoseconds // self.requests if self.requests else 0
        return {
            **self.info(),
            "num_requests": self.requests,
            "num_errors": self.errors,
            "last_error": self.last_error,
            "processing_time": self.nanoseconds,
            "average_processing_time": average,
        }


@dataclass(slots=True)
class _Service:
    """The questions that this process answers and those that it holds."""

    connection: Connection
    name: str
    version: str
    endpoints: list[_Endpoint]
    tasks: asyncio.TaskGroup
    held: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    sids: list[int] = field(default_factory=list[int])
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    identity: str = ""

    async def open(self) -> None:
        wire = self.connection.wire
        self.identity = wire.inbox.rpartition(".")[2]
        for endpoint in self.endpoints:
            call = endpoint.answer.call
            self.sids.append(wire.serve(call.subject, partial(self.asked, endpoint), queue=call.service))
        for verb, body in {"PING": self.ping, "INFO": self.info, "STATS": self.stats}.items():
            for suffix in ("", f".{self.name}", f".{self.name}.{self.identity}"):
                self.sids.append(wire.serve(f"$SRV.{verb}{suffix}", partial(self.tell_about, body)))
        await self.connection.settle()

    async def close(self) -> None:
        """Takes no more questions, and finishes those that are held."""
        wire = self.connection.wire
        for sid in self.sids:
            # The server forgets the subscription before we do, so what it sent before is still heard and answered.
            wire.send(b"UNSUB %d\r\n" % sid)
        try:
            await self.connection.settle(LEAVING_SECONDS)
        except Unavailable:
            log.warning("bus.unsubscribing_unconfirmed", service=self.name)
        for sid in self.sids:
            wire.unsubscribe(sid)
        if self.held:
            await asyncio.wait(self.held)

    # --- questions about the service itself ---------------------------------------------------------------------------

    def tell_about(self, body: Callable[[], Json], _subject: bytes, reply: bytes, _header: bytes | None, _data: bytes) -> None:
        if reply:
            self.connection.wire.publish(reply, json.dumps(body()).encode())

    def ping(self) -> Json:
        return self.identified("ping_response")

    def info(self) -> Json:
        return self.identified("info_response") | {
            "description": "",
            "endpoints": [endpoint.info() for endpoint in self.endpoints],
        }

    def stats(self) -> Json:
        return self.identified("stats_response") | {
            "started": self.started,
            "endpoints": [endpoint.stats() for endpoint in self.endpoints],
        }

    def identified(self, kind: str) -> Json:
        return {"type": TYPE + kind, "name": self.name, "id": self.identity, "version": self.version, "metadata": {}}

    # --- questions to the service -------------------------------------------------------------------------------------

    def asked(self, endpoint: _Endpoint, _subject: bytes, reply: bytes, header: bytes | None, data: bytes) -> None:
        if len(self.held) >= MAX_HELD:
            refusal, body = error_reply(Busy())
            self.connection.wire.publish(reply, body, header=refusal)
            return
        task = self.tasks.create_task(self.answer(endpoint, reply, header, data))
        self.held.add(task)
        task.add_done_callback(self.held.discard)

    async def answer(self, endpoint: _Endpoint, reply: bytes, header: bytes | None, data: bytes) -> None:
        began, era = time.monotonic_ns(), self.connection.era
        with tracing.continued(header):
            outcome = await self.outcome(endpoint.answer, header, data)
        endpoint.requests += 1
        endpoint.nanoseconds += time.monotonic_ns() - began
        if isinstance(outcome, Fault):
            endpoint.errors += 1
            endpoint.last_error = outcome.code
        if reply:
            await self.reply(reply, *self.packed(outcome), era)

    async def outcome(self, answer: Answer[Any, Any], header: bytes | None, data: bytes) -> bytes | Fault:
        """The encoded answer, or what went wrong. Catches everything: this is the bus's own loop."""
        try:
            question = answer.call.question.decode(unpack(header, data))
        except ValidationError as error:
            return _unreadable(error)
        except Fault as fault:
            return fault
        try:
            encoded: bytes = (await answer.handler(question)).encode()
        except Fault as fault:
            return fault
        except asyncio.CancelledError:
            return Unavailable()
        except Exception:
            log.exception("bus.answer_failed", call=answer.call.subject)
            return Fault(BUG)
        return encoded

    def packed(self, outcome: bytes | Fault) -> tuple[bytes, bytes]:
        if isinstance(outcome, Fault):
            return error_reply(outcome)
        try:
            return pack(b"", outcome)
        except TooLarge as fault:
            return error_reply(fault)

    async def reply(self, reply: bytes, header: bytes, data: bytes, era: int) -> None:
        sent = await self.send(reply, header, data)
        for pause in AGAIN_SECONDS if sent and era != self.connection.era else ():
            await asyncio.sleep(pause)
            await self.send(reply, header, data)

    async def send(self, reply: bytes, header: bytes, data: bytes) -> bool:
        give_up = time.monotonic() + REPLY_SECONDS
        while time.monotonic() < give_up:
            try:
                self.connection.wire.publish(reply, data, header=header)
            except Offline:
                await self.connection.back(REPLY_SECONDS)
            else:
                return True
        return False


@asynccontextmanager
async def answering(
    connection: Connection, service: str, version: str, answers: Sequence[Answer[Any, Any]]
) -> AsyncGenerator[None]:
    """Answers these calls while the context is open."""
    async with owned() as tasks:
        answering = _Service(connection, service, version, [_Endpoint(answer) for answer in answers], tasks)
        await answering.open()
        try:
            yield
        finally:
            await answering.close()


def _unreadable(error: ValidationError) -> Fault:
    places = [".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False, include_url=False)]
    return Invalid(fields=places[:10])


def error_reply(fault: Fault) -> tuple[bytes, bytes]:
    """Header and body of the reply that carries this fault; without its details when they are too large."""
    body: Json = {"code": fault.code, "message": str(fault), "details": fault.details}
    if isinstance(fault, Busy):
        body["retryAfter"] = fault.retry_after
    # The header is for other tools, and headers are lines: the sentence itself is in the body.
    lines = headers.line(ERROR, fault.code) + headers.line(ERROR_CODE, str(fault.status))
    try:
        return pack(lines, json.dumps(body, default=str).encode())
    except TooLarge:
        return pack(lines, json.dumps(body | {"details": {}}).encode())


def fault_in(reply: Reply) -> Fault | None:
    """The fault that an error reply carries, as the class it had there; None for an answer."""
    if not headers.value(reply.header, ERROR):
        return None
    try:
        body: Json = json.loads(unpack(reply.header, reply.data))
        return fault_of(body["code"], body["message"], body["details"], body.get("retryAfter", 1.0))
    except (ValueError, KeyError, TypeError, Invalid):
        return Unavailable()
