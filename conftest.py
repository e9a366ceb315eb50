"""What every test may ask for: a real nats-server with the streams of the contract, and buses connected to it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import uvloop
from pydantic import SecretStr

from colloquy.nats_server import NatsConfig, NatsServer, new_passwords
from shared.bus import Bus, connect
from shared.contract.permissions import User
from shared.contract.streams import MIB
from shared.provision import ProvisionSettings, provision
from shared.settings import NatsSettings

BUDGET_BYTES = 512 * MIB

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
NewServer = Callable[..., Awaitable[NatsServer]]
NewBus = Callable[..., Awaitable[Bus]]


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, LoopFactory]:
    """The loop that the services run on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def new_nats_server(tmp_path: Path) -> AsyncGenerator[NewServer]:
    """Makes a running, provisioned nats-server: `await new_nats_server()`."""
    async with AsyncExitStack() as running:
        count = 0

        async def new(*, budget: int = BUDGET_BYTES, provisioned: bool = True) -> NatsServer:
            nonlocal count
            folder = tmp_path / f"nats-{count}"
            folder.mkdir()
            count += 1
            config = NatsConfig(folder / "store", new_passwords(), budget)
            server = NatsServer(config, config_file=folder / "nats.conf", log_file=folder / "nats.log")
            await server.start()
            running.push_async_callback(server.kill)
            if provisioned:
                await provision(server.url("admin"), ProvisionSettings(budget_bytes=budget))
            return server

        yield new


@pytest.fixture
async def nats_server(new_nats_server: NewServer) -> NatsServer:
    """A fresh nats-server with the streams of the contract."""
    return await new_nats_server()


@pytest.fixture
async def new_bus(nats_server: NatsServer) -> AsyncGenerator[NewBus]:
    """Connects another bus, with the permissions of a service: `await new_bus("gateway")`."""
    async with AsyncExitStack() as open_buses:

        async def new(user: User = "admin") -> Bus:
            settings = NatsSettings(url=SecretStr(nats_server.url(user)))
            return await open_buses.enter_async_context(connect(settings, user))

        yield new


@pytest.fixture
async def bus(new_bus: NewBus) -> Bus:
    """A bus that may do everything."""
    return await new_bus()
