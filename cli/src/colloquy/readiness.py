"""Waits until what was started answers."""

import asyncio
from collections.abc import Callable

import httpx

from colloquy.errors import Failed
from colloquy.plan import WORKERS, Plan, Service
from shared.observer import Observer

ANSWERING: tuple[Service, ...] = ("memory", *WORKERS)
"""The gateway is asked over HTTP: it answers nobody over NATS."""

START_SECONDS = 60.0
_LOOK_SECONDS = 0.05


async def services_ready(observer: Observer, plan: Plan, say: Callable[[str], None]) -> None:
    """Returns when every process of every service behind the gateway answers `$SRV.PING`. Raises Failed."""
    for service in ANSWERING:
        expected = plan.copies[service]
        try:
            async with asyncio.timeout(START_SECONDS):
                while await observer.answering(service, expected) < expected:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise Failed(f"{service} does not answer after {START_SECONDS:g} s; see its log.") from None
        say(f"{service} answers" + (f" ({expected} processes)" if expected > 1 else ""))


async def gateway_ready(address: str) -> None:
    """Returns when the gateway says it is ready. Raises Failed."""
    answer = "nothing"
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        try:
            async with asyncio.timeout(START_SECONDS):
                while (answer := await _ask(client, f"{address}/readyz")) != "200":  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise Failed(f"The gateway is not ready after {START_SECONDS:g} s: it answers {answer} to /readyz.") from None


async def _ask(client: httpx.AsyncClient, url: str) -> str:
    try:
        return str((await client.get(url)).status_code)
    except httpx.TransportError:
        return "nothing"
