"""A whole Colloquy, started by `colloquy up` as a user would, with its processes to kill."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

from support.client import LOST, Client

READY_SECONDS = 60.0
GONE_SECONDS = 15.0


def free_port() -> int:
    """A port of the loopback that nobody has right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class System:
    """A running `colloquy up`."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, data: Path) -> None:
        self.process = process
        self.port = port
        self.data = data
        self.url = f"http://127.0.0.1:{port}"

    def client(self, user: str = "ana") -> Client:
        """One more device."""
        return Client(self.url, user)

    def pid(self, name: str) -> int:
        """The process that runs as `name` now, such as `inference-1`."""
        return int((self.data / "run" / f"{name}.pid").read_text())

    def signal(self, name: str, number: signal.Signals) -> int:
        """Sends a signal to `name`; answers its pid."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def family(self) -> list[psutil.Process]:
        """Every process of this system."""
        return psutil.Process(self.process.pid).children(recursive=True)

    async def stop(self) -> list[psutil.Process]:
        """SIGTERM, and what is left of the family after the command has ended."""
        family = self.family()
        if self.process.returncode is None:
            self.process.terminate()
            async with asyncio.timeout(GONE_SECONDS):
                await self.process.wait()
        return [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


async def _ready(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    async with asyncio.timeout(READY_SECONDS), Client(f"http://127.0.0.1:{port}", "probe") as client:
        while process.returncode is None:
            with suppress(*LOST):
                if (await client.http.get("/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.05)
    raise AssertionError(f"colloquy up ended with {process.returncode}: {log.read_text()}")


@asynccontextmanager
async def running(data: Path, *, scale: str = "", port: int | None = None, **environment: str) -> AsyncIterator[System]:
    """A system on its own port and data folder. Settings are given as environment variables."""
    port = port or free_port()
    data.mkdir(parents=True, exist_ok=True)
    log = data / "up.log"
    arguments = ["up", "--port", str(port), "--data", str(data), *(["--scale", scale] if scale else [])]
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "colloquy", *arguments, env={**os.environ, **environment}, stdout=output, stderr=output
        )
    system = System(process, port, data)
    try:
        await _ready(process, port, log)
        yield system
    finally:
        left = await system.stop() if process.returncode is None else []
        for orphan in left:
            orphan.kill()
        assert not left, f"left running: {left}"
