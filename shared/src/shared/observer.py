"""What an operator asks of NATS from outside: who answers, which streams are missing, what passes by."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, cast

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from shared.contract.permissions import User, inbox_prefix
from shared.contract.streams import STREAMS
from shared.errors import Unavailable
from shared.leaving import leave

JETSTREAM_DISABLED = frozenset({10039, 10076})
STREAM_NOT_FOUND = 10059


@dataclass(frozen=True, slots=True)
class Heard:
    """A stored message as the stream republished it. `sequence` is its place in the stream of its shard."""

    subject: str
    type: str
    sequence: int
    data: bytes


@dataclass(frozen=True, slots=True)
class StreamCheck:
    """How JetStream stands: whether it is enabled, and which streams of the contract it has not."""

    enabled: bool
    missing: tuple[str, ...]


class Observer:
    """A connection to NATS that changes nothing. Made by `observe`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def answering(self, service: str, expected: int, seconds: float = 0.5) -> int:
        """How many processes of `service` answer `$SRV.PING`; waits `seconds` at most for `expected` of them."""
        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox)
        try:
            await self._client.publish(f"$SRV.PING.{service}", b"", reply=inbox)
            return await _count(subscription.messages, expected, seconds)
        finally:
            await subscription.unsubscribe()

    async def round_trip(self) -> float:
        """Seconds that the server takes to answer. Raises Unavailable."""
        begin = perf_counter()
        try:
            await self._client.flush(2)
        except (NatsError, TimeoutError) as error:
            raise Unavailable from error
        return perf_counter() - begin

    async def check_streams(self) -> StreamCheck:
        """Which streams are missing. Raises Unavailable when JetStream does not answer."""
        codes = [await self._stream_error(stream.name) for stream in STREAMS]
        missing = (stream.name for stream, code in zip(STREAMS, codes, strict=True) if code == STREAM_NOT_FOUND)
        return StreamCheck(JETSTREAM_DISABLED.isdisjoint(codes), tuple(missing))

    @asynccontextmanager
    async def tap(self, subject: str) -> AsyncGenerator[AsyncIterator[Heard]]:
        """Everything that is stored while the context is open, under this filter of `live.` subjects."""
        subscription = await self._client.subscribe(subject)
        await self._client.flush()
        try:
            yield (_heard(message) async for message in subscription.messages)
        finally:
            await subscription.unsubscribe()

    async def _stream_error(self, stream: str) -> int:
        try:
            reply = await self._client.request(f"$JS.API.STREAM.INFO.{stream}", b"", timeout=5)
        except (NatsError, TimeoutError) as error:
            raise Unavailable from error
        answer: dict[str, Any] = json.loads(reply.data)
        return int(answer.get("error", {}).get("err_code", 0))


@asynccontextmanager
async def observe(url: str, user: User, *, timeout: float = 5.0) -> AsyncGenerator[Observer]:
    """An observer with the permissions of `user`. Reconnects for ever. Raises Unavailable when NATS can't be reached."""
    left = False

    async def quiet(_: Exception) -> None:
        """Without this nats-py writes tracebacks of every lost connection to the terminal."""
        if left:  # it may have missed that it was cancelled (cpython #86296), and would try to reconnect for ever
            raise asyncio.CancelledError

    try:
        async with asyncio.timeout(timeout):
            client = await nats.connect(
                url.split(","),
                inbox_prefix=inbox_prefix(user),
                max_reconnect_attempts=-1,
                reconnect_time_wait=cast("int", 0.25),  # the annotation says int, the code sleeps any number
                ping_interval=5,
                error_cb=quiet,
            )
    except (NatsError, OSError, TimeoutError) as error:
        raise Unavailable(f"NATS can't be reached: {error or 'no answer'}.") from error
    try:
        yield Observer(client)
    finally:
        try:
            await leave(client)
        finally:
            left = True


def _heard(message: Msg) -> Heard:
    headers = message.headers or {}
    return Heard(message.subject, headers.get("Event-Type", ""), int(headers.get("Nats-Sequence", 0)), message.data)


async def _count(messages: AsyncIterator[Any], expected: int, seconds: float) -> int:
    count = 0
    try:
        async with asyncio.timeout(seconds):
            async for message in messages:
                if (message.headers or {}).get("Status") == "503":
                    return 0
                count += 1
                if count >= expected:
                    return count
    except TimeoutError:
        pass
    return count
