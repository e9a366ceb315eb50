"""The data folder: where everything lies that outlives a process, and who may use it."""

import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from colloquy.errors import Failed

LEAST_FREE_MIB = 256
LOG_LIMIT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Paths below the data folder."""

    root: Path

    @property
    def nats(self) -> Path:
        """JetStream's store."""
        return self.root / "nats"

    @property
    def database(self) -> Path:
        """The one database."""
        return self.root / "memory" / "colloquy.db"

    @property
    def run(self) -> Path:
        """What is only true while it runs: pid files, the lock, the configuration of NATS."""
        return self.root / "run"

    @property
    def nats_config(self) -> Path:
        """The configuration of our nats-server, with its passwords."""
        return self.run / "nats.conf"

    @property
    def secrets(self) -> Path:
        """Passwords of the NATS users."""
        return self.root / "secrets.json"

    @property
    def service_token(self) -> Path:
        """The token for services of one's own that call /api/v1/complete-llm."""
        return self.root / "service-token"

    @property
    def events_url(self) -> Path:
        """Address of NATS with the user that may only listen, for `colloquy events`."""
        return self.run / "nats.url"

    @property
    def address(self) -> Path:
        """Where the gateway that runs is reached."""
        return self.run / "gateway.url"

    def log(self, name: str) -> Path:
        """The log file of a process such as `inference-1`."""
        return self.root / "log" / f"{name}.log"

    def pid(self, name: str) -> Path:
        """The pid file of a process such as `inference-1`."""
        return self.run / f"{name}.pid"

    def prepare(self) -> None:
        """Makes the folders. Raises Failed when it can't, or when the disk is full."""
        try:
            for folder in (self.nats, self.database.parent, self.run, self.root / "log"):
                folder.mkdir(parents=True, exist_ok=True)
            self.root.chmod(0o700)
        except OSError as error:
            raise Failed(
                f"{self.root} can't be used for the data: {error.strerror}. Choose another folder with --data."
            ) from None
        free = shutil.disk_usage(self.root).free >> 20
        if free < LEAST_FREE_MIB:
            raise Failed(f"The disk is full: {free} MiB are free at {self.root}, {LEAST_FREE_MIB} MiB are needed to start.")

    @contextmanager
    def locked(self) -> Generator[None]:
        """Makes this process the only one that runs on the folder. Raises Failed when another does."""
        path = self.run / "up.lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Failed(f"{path} can't be written: {error.strerror}. Choose another folder with --data.") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise Failed(f"Colloquy is already running on {self.root} (process {holder}).") from None
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(descriptor)


def write_private(path: Path, text: str) -> None:
    """Replaces the file by one that only its owner can read, in one step."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    fresh.replace(path)


def trim_log(path: Path) -> None:
    """Keeps a log file bounded: moves what it holds aside when it has grown too long. Its writer appends, so it goes on."""
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        shutil.copyfile(path, path.with_suffix(".log.1"))
        os.truncate(path, 0)
