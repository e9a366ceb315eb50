"""What memory is measured in: a nats-server of its own, one process of memory, and a connection to ask through."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import SecretStr

from colloquy.nats_server import NatsConfig, NatsServer, new_passwords
from shared.bus import Bus, connect
from shared.contract.memory import CHECK_HEALTH, CheckHealth
from shared.provision import ProvisionSettings, provision
from shared.settings import NatsSettings

STREAM_BYTES = 8 << 30
READY_SECONDS = 60.0
SETTINGS = {
    # Nobody answers here: every message leaves an answer open.
    "MEMORY_OPEN_GENERATIONS": "100000000",
    "MEMORY_USER_CONCURRENCY": "100000000",
    "MEMORY_LEASE_SECONDS": "3600",
    "MEMORY_ORDER_LOST_AFTER": "3600",
    "LOG_LEVEL": "error",
}


@dataclass(slots=True)
class System:
    """A memory that answers on `bus`; what it and nats-server use."""

    bus: Bus
    memory: psutil.Process
    nats: psutil.Process

    def cpu(self) -> tuple[float, float]:
        """Seconds of CPU so far: memory, nats-server."""
        return _seconds(self.memory), _seconds(self.nats)

    def resident(self) -> float:
        """MiB of memory in use by the process."""
        return self.memory.memory_info().rss / 2**20


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


@asynccontextmanager
async def system(database_url: str, folder: Path) -> AsyncGenerator[System]:
    """Everything that is needed, durable as in an installation, until the context is left."""
    config = NatsConfig(folder / "store", new_passwords(), STREAM_BYTES)
    server = NatsServer(config, config_file=folder / "nats.conf", log_file=folder / "nats.log")
    await server.start()
    try:
        await provision(server.url("admin"), ProvisionSettings(budget_bytes=STREAM_BYTES))
        environment = {**os.environ, **SETTINGS, "NATS_URL": server.url("memory"), "MEMORY_DATABASE_URL": database_url}
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "memory", env=environment)
        try:
            async with connect(NatsSettings(url=SecretStr(server.url("admin"))), "benchmark") as bus:
                await bus.ask(CHECK_HEALTH, CheckHealth(), timeout=READY_SECONDS)
                yield System(bus, psutil.Process(process.pid), psutil.Process(server.process.pid))
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
    finally:
        await server.kill()


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for all of it, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="colloquy-bench-") as name:
        yield Path(name)
