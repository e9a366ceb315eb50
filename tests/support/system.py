"""A whole Colloquy, started by `colloquy up` as a user would, with its processes to kill."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil

from support.client import Client

READY_SECONDS = 90.0
GONE_SECONDS = 15.0


def free_port() -> int:
    """A port of the loopback that nobody has right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class System:
    """A running `colloquy up`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, data: Path) -> None:
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
        """Every process of this system but the command itself."""
        return psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []

    def stop(self) -> list[psutil.Process]:
        """SIGTERM, and what is left of the family after the command has ended."""
        family = self.family()
        self.process.terminate()
        self.process.wait(GONE_SECONDS)
        return [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def _wait_ready(system: System, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and system.process.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(f"{system.url}/readyz", trust_env=False).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"colloquy up is not ready: {log.read_text()}")


@contextmanager
def running(
    data: Path, *, scale: str = "", port: int | None = None, flights: bool = False, **environment: str
) -> Iterator[System]:
    """A system on its own port and data folder. Settings are given as environment variables."""
    port = port or free_port()
    data.mkdir(parents=True, exist_ok=True)
    log = data / "up.log"
    arguments = ["up", "--port", str(port), "--data", str(data), "--no-page", "--flights" if flights else "--no-flights"]
    arguments += ["--scale", scale] if scale else []
    command = [sys.executable, "-m", "colloquy", *arguments]
    with (
        log.open("ab") as output,
        subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output) as process,
    ):
        system = System(process, port, data)
        left: list[psutil.Process] = []
        try:
            _wait_ready(system, log)
            yield system
        finally:
            try:
                if process.poll() is None:
                    left = system.stop()
            finally:
                if process.poll() is None:
                    process.kill()  # else leaving waits for it without end
            for orphan in left:
                orphan.kill()
        assert not left, f"left running: {left}"
