"""The one connection of a process: reconnects for ever, is watched for deafness, ends the process when it is lost for good."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import NoReturn, cast
from urllib.parse import urlsplit

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from prometheus_client import Counter

from shared.contract.permissions import inbox_prefix
from shared.errors import Unavailable
from shared.leaving import leave
from shared.settings import NatsSettings
from shared.tasks import owned
from shared.wire import Offline, Wire

log: structlog.stdlib.BoundLogger = structlog.get_logger()

RECONNECTS = Counter("colloquy_nats_reconnects_total", "How often the connection to NATS was lost and had back.")

LOST_FOR_GOOD = 70
"""Exit code of a process that can't get its connection back; whoever started it starts it again."""

BEAT_SECONDS = 5.0
BEAT_PATIENCE_SECONDS = 2.0
DEAF, LOST = 2, 6
"""After so many beats in a row that were not heard: connect anew; give up."""

CLOSE_SECONDS = 3.0
SETTLE_SECONDS, LEAVING_SECONDS = 5.0, 1.0
"""A round trip's patience: while the service runs, and while it stops and has little time left."""

CLOGGED_SECONDS = 0.05


class Connection:
    """nats-py's client with the wire beside it. Made by `connected`."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.client = Client()
        self.leaving = self.left = False
        self.reason = "no answer"
        self.era = 0
        """How often the connection was lost and had back."""
        self._wire: Wire | None = None
        self._live = asyncio.Event()
        self._keys = count()
        self._echoes: dict[bytes, asyncio.Future[None]] = {}
        self._echo = b""

    @property
    def wire(self) -> Wire:
        """The fast lane. It is there once the connection is."""
        if self._wire is None:
            raise RuntimeError("not connected")
        return self._wire

    async def open(self, settings: NatsSettings) -> None:
        """Connects. Raises Unavailable with the reason when that takes longer than the settings allow."""
        servers = settings.url.get_secret_value().split(",")
        if not all(map(_is_address, servers)):
            raise Unavailable("NATS_URL is not an address of the form nats://user:password@host:port.")
        try:
            async with asyncio.timeout(settings.connect_timeout):  # T29: a wrong certificate would hang for ever
                await self._connect(servers)
        except (TimeoutError, NatsError, OSError) as error:
            await self.close()
            raise Unavailable(f"NATS can't be reached: {self.reason}.") from error
        self._wire = Wire(self.client)
        self._echo = self._wire.new_inbox().encode() + b"."
        self._wire.subscribe(self._echo.decode() + "*", self._echoed)
        self._wire.on_lost(self._live.clear)
        self._wire.on_back(self._live.set)
        self._live.set()

    async def close(self) -> None:
        """Sends what is left and closes, in bounded time."""
        self.leaving = True
        try:
            with suppress(NatsError, OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    if self._wire is not None and self._wire.live:
                        with suppress(Unavailable):
                            await self.settle(LEAVING_SECONDS)
                    await leave(self.client)
        finally:
            self.left = True

    async def settle(self, seconds: float = SETTLE_SECONDS) -> None:
        """Returns when the server has acted on everything that was sent until now. Raises Unavailable.

        Not nats-py's flush: when that is given up, the late PONG meets a cancelled future and ends the read loop (T3).
        """
        key = b"%d" % next(self._keys)
        echo = self._echoes[key] = asyncio.get_running_loop().create_future()
        try:
            self.wire.publish(self._echo + key, b"")
            async with asyncio.timeout(seconds):
                await echo
        except (Offline, TimeoutError) as error:
            raise Unavailable from error
        finally:
            del self._echoes[key]

    def _echoed(self, subject: bytes, _header: bytes | None, _data: bytes) -> None:
        echo = self._echoes.get(subject[len(self._echo) :])
        if echo is not None and not echo.done():
            echo.set_result(None)

    async def back(self, seconds: float) -> None:
        """Returns when it is worth trying again to send: the connection is back, or takes more. At the latest after so long."""
        if self.wire.live:
            await asyncio.sleep(CLOGGED_SECONDS)
            return
        self._live.clear()  # nats-py knows of the loss before its callback says so
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._live.wait()

    async def _connect(self, servers: list[str]) -> None:
        await self.client.connect(
            servers,
            name=self.service,
            inbox_prefix=inbox_prefix(self.service),
            max_reconnect_attempts=-1,  # T5
            reconnect_time_wait=cast("int", 0.25),  # the annotation says int, the code sleeps any number
            connect_timeout=2,
            ping_interval=5,  # T20
            max_outstanding_pings=2,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            closed_cb=self._on_closed,
        )

    # T18: an exception in one of these would end nats-py's tasks in silence. They only log and count.

    async def _on_error(self, error: Exception) -> None:
        if self.left:  # it may have missed that it was cancelled (cpython #86296), and would try to reconnect for ever
            raise asyncio.CancelledError
        reason = str(error) or type(error).__name__
        if reason != self.reason:  # once, not four times a second for as long as NATS is away
            log.warning("nats.error", reason=reason)
        if self._wire is None and _is_refusal(self.reason):
            return  # what comes after a refusal only says that the server hung up
        self.reason = reason
        if self._wire is not None and _is_refusal(self.reason):
            self._end("refused")  # F43: started again it may have fresh credentials

    async def _on_disconnected(self) -> None:
        if not self.leaving:
            log.warning("nats.disconnected")

    async def _on_reconnected(self) -> None:
        self.era += 1
        self.reason = ""
        RECONNECTS.inc()
        log.info("nats.reconnected")

    async def _on_closed(self) -> None:
        if not self.leaving:
            self._end("closed")  # T5, T6

    def _end(self, why: str) -> NoReturn:
        log.error("nats.lost", why=why, reason=self.reason)
        os._exit(LOST_FOR_GOOD)

    async def watch(self) -> None:
        """Tells itself something now and then. nats-py can be connected and hear nothing (T3), and a server can hang (F10)."""
        missed = 0
        while True:
            await asyncio.sleep(0 if missed else BEAT_SECONDS)
            missed = 0 if await self._hears_itself() else missed + 1
            if missed == DEAF:
                log.warning("nats.deaf")
                self.wire.abort()
                await self.client.force_reconnect()
            if missed >= LOST:
                self._end("deaf")

    async def _hears_itself(self) -> bool:
        """False when it should and does not; while nats-py reconnects there is nothing to find out."""
        try:
            await self.settle(BEAT_PATIENCE_SECONDS)
        except Unavailable:
            return not self.wire.live
        return True


@asynccontextmanager
async def connected(settings: NatsSettings, service: str) -> AsyncGenerator[Connection]:
    """Connected while the context is open."""
    connection = Connection(service)
    await connection.open(settings)
    async with owned() as tasks:
        watch = tasks.create_task(connection.watch())
        try:
            yield connection
        finally:
            watch.cancel()
            await connection.close()


def _is_refusal(reason: str) -> bool:
    """Whether the server does not take these credentials."""
    return "authorization violation" in reason.lower()


def _is_address(text: str) -> bool:
    try:
        return bool(urlsplit(text if "://" in text else f"nats://{text}").hostname)
    except ValueError:
        return False
