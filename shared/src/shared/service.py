"""Runs one service: signals, the bus, the application, and leaving them in reverse when told to stop."""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import structlog
import uvloop

from shared import telemetry
from shared.bus import Bus, connect
from shared.errors import Fault
from shared.settings import LogSettings, MetricsSettings, NatsSettings, read

log: structlog.stdlib.BoundLogger = structlog.get_logger()

Application = Callable[[Bus], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def idle(name: str, version: str, bus: Bus) -> AsyncGenerator[None]:
    """A service that answers `$SRV.PING` and has nothing else to do yet."""
    async with bus.answer(name, version, []):
        yield


def run(name: str, application: Application) -> None:
    """Runs until SIGTERM or SIGINT, then leaves the application's context. A second signal ends the process at once.

    `application` takes the connected bus and is everything the service does while its context is open.
    Exits with 1 and one sentence when the service can't start.
    """
    telemetry.configure(name, read(LogSettings))
    try:
        uvloop.run(_serve(name, application))
    except Fault as fault:
        log.error("service.failed", code=fault.code, reason=str(fault))
        raise SystemExit(1) from None


async def _serve(name: str, application: Application) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, partial(_stop_or_exit, stop))
    async with telemetry.probes(read(MetricsSettings)), connect(read(NatsSettings), name) as bus, application(bus):
        # What is there now stays: a collection that walks over all of it took 66 ms, in the middle of an answer.
        gc.collect()
        gc.freeze()
        log.info("service.started", pid=os.getpid())
        await stop.wait()
        log.info("service.stopping")
    log.info("service.stopped")


def _stop_or_exit(stop: asyncio.Event) -> None:
    if stop.is_set():
        os._exit(130)
    stop.set()
