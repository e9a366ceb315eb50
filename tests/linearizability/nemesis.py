"""Memory as processes of their own, which are killed in the middle and started again."""

import asyncio
import os
import random
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from linearizability.clients import Table
from shared.bus import Bus
from shared.contract.memory import CHECK_HEALTH, CheckHealth
from shared.errors import Busy

READY_SECONDS = 60.0
COMMAND = ("-m", "memory")


@dataclass(slots=True)
class Replicas:
    """Processes that answer for memory, with one database."""

    environment: dict[str, str]
    command: Sequence[str] = COMMAND
    running: list[asyncio.subprocess.Process] = field(default_factory=list[asyncio.subprocess.Process])
    kills: int = 0

    async def start(self) -> None:
        """One more."""
        environment = os.environ | self.environment
        self.running.append(await asyncio.create_subprocess_exec(sys.executable, *self.command, env=environment))

    async def kill(self, which: int = 0) -> None:
        """Like a power cut does for the process; another one is started in its place."""
        process = self.running.pop(which)
        process.kill()
        await process.wait()
        self.kills += 1
        await self.start()

    async def stop(self) -> None:
        """Ends all of them."""
        for process in self.running:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def ready(self, bus: Bus) -> None:
        """Returns when somebody answers. A process that has ended by itself will not."""
        async with asyncio.timeout(READY_SECONDS):
            while True:
                for process in self.running:
                    assert process.returncode is None, f"memory ended by itself with {process.returncode}"
                try:
                    await bus.ask(CHECK_HEALTH, CheckHealth(), timeout=1.0)
                except Busy:
                    continue
                return


@asynccontextmanager
async def replicas(
    nats_url: str, database_url: str, bus: Bus, *, count: int = 1, command: Sequence[str] = COMMAND
) -> AsyncGenerator[Replicas]:
    """This many processes of memory, answering."""
    environment = {
        "NATS_URL": nats_url,
        "MEMORY_DATABASE_URL": database_url,
        # No lease runs out within a history: the model has no clock.
        "MEMORY_LEASE_SECONDS": "3600",
        "LOG_LEVEL": "error",
    }
    some = Replicas(environment, command)
    try:
        for _ in range(count):
            await some.start()
        await some.ready(bus)
        yield some
    finally:
        await some.stop()


async def disturb(some: Replicas, tables: Sequence[Table], dice: random.Random, most: int) -> None:
    """Kills one of them after some operations of some history; `most` is how many there will be at least."""
    table = dice.choice(tables)
    for _ in range(dice.randrange(most)):
        await table.steps.acquire()
    await some.kill(dice.randrange(len(some.running)))
