"""How a service speaks about itself: log lines that are facts with fields, metrics, and the lag of its event loop."""

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog
from prometheus_client import Gauge, start_http_server

from shared.settings import LogSettings, MetricsSettings
from shared.tasks import owned

log: structlog.stdlib.BoundLogger = structlog.get_logger()

LOOP_LAG = Gauge("colloquy_event_loop_lag_seconds", "How late the event loop was at its last look.")
PROBE_SECONDS = 1.0
LAG_ALARM_SECONDS = 0.2


def configure(service: str, settings: LogSettings) -> None:
    """Lines go to standard error as JSON or text, each with `service`; warnings of libraries join them."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    # A plain traceback: the pretty one shows locals, and those hold what users wrote (S14).
    renderer = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    before = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*before, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=before))
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)


@asynccontextmanager
async def probes(settings: MetricsSettings) -> AsyncGenerator[None]:
    """Watches the event loop, and serves the metrics when a port is set."""
    if settings.port:
        start_http_server(settings.port, settings.host)
    async with owned() as tasks:
        watch = tasks.create_task(_watch_loop())
        try:
            yield
        finally:
            watch.cancel()


async def _watch_loop() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + PROBE_SECONDS
        await asyncio.sleep(PROBE_SECONDS)
        lag = loop.time() - due
        LOOP_LAG.set(lag)
        if lag > LAG_ALARM_SECONDS:
            log.warning("loop.lagged", seconds=round(lag, 3))
