"""A gateway on a real socket, over a real bus, with a double of memory behind it."""

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from memory_double import MemoryDouble, memory_double
from workflow_double import WorkflowDouble

from gateway.app import opened
from gateway.settings import GatewaySettings
from shared.bus import Bus


class Person(httpx.AsyncClient):
    """A client that adds its user to every address; httpx's own `params` would replace the query that is there."""

    def __init__(self, user: str | None, **options: Any) -> None:
        super().__init__(timeout=20, trust_env=False, **options)
        self.user = user

    def build_request(self, method: str, url: Any, **options: Any) -> httpx.Request:
        merged = httpx.URL(url).copy_merge_params(options.pop("params", None) or {})
        return super().build_request(method, merged.copy_set_param("user", self.user) if self.user else merged, **options)


@dataclass
class Running:
    """A gateway that runs."""

    url: str
    memory: MemoryDouble
    stop: Callable[[], Awaitable[None]]
    clients: AsyncExitStack

    async def client(self, user: str | None = "ana", **options: Any) -> httpx.AsyncClient:
        """A client of this user, or of nobody in particular."""
        return await self.clients.enter_async_context(Person(user, base_url=self.url, **options))


@pytest.fixture
async def memory(new_bus) -> AsyncGenerator[MemoryDouble]:
    bus: Bus = await new_bus("admin")
    async with memory_double(bus) as double:
        yield double


@pytest.fixture
async def workflows(new_bus) -> AsyncGenerator[WorkflowDouble]:
    bus: Bus = await new_bus("admin")
    double = WorkflowDouble(bus)
    async with bus.answer("workflow", "0", double.answers()):
        yield double


@pytest.fixture
async def run_gateway(new_bus, memory) -> AsyncGenerator[Callable[..., Awaitable[Running]]]:
    """Starts a gateway with these settings."""
    async with AsyncExitStack() as stack:

        async def run(**settings: Any) -> Running:
            running = await stack.enter_async_context(AsyncExitStack())
            bus = await new_bus("gateway")
            port = await running.enter_async_context(opened(GatewaySettings(port=0, **settings), bus))
            clients = await stack.enter_async_context(AsyncExitStack())
            return Running(f"http://127.0.0.1:{port}", memory, running.aclose, clients)

        yield run


@pytest.fixture
async def gateway(run_gateway) -> Running:
    return await run_gateway()


@pytest.fixture
async def ana(gateway: Running) -> httpx.AsyncClient:
    return await gateway.client("ana")


@pytest.fixture
async def bob(gateway: Running) -> httpx.AsyncClient:
    return await gateway.client("bob")
