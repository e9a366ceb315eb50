"""The database file: that it is ours, that it is there, and that no other process has it."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal
from urllib.parse import quote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from memory.adapters.schema import DatabaseForeign, DatabaseGone, DatabaseInUse
from shared.errors import Refused, Unavailable

__all__ = ["DatabaseFile", "DatabaseForeign", "DatabaseGone", "DatabaseInUse", "locked", "path_of"]


@dataclass(frozen=True, slots=True)
class DatabaseFile:
    """A locked database file. `stamp` is the id of the database that was in it last time, or empty."""

    path: Path
    lock: BinaryIO
    stamp: str

    @property
    def exists(self) -> bool:
        """Whether there is a database already."""
        return self.path.exists() and self.path.stat().st_size > 0

    def url(self, driver: str, mode: Literal["ro", "rw", "rwc"]) -> URL:
        """What SQLAlchemy connects to. `rw` does not make a file where there is none."""
        return URL.create(driver, database=f"file:{quote(str(self.path))}", query={"mode": mode, "uri": "true"})

    def identity(self) -> tuple[int, int]:
        """Device and inode. Raises Unavailable when there is no file (F41)."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise Unavailable("The database file is gone.") from error
        return found.st_dev, found.st_ino

    def keep_stamp(self, stamp: str) -> None:
        """Remembers beside the database which one it is, so that its loss is noticed at the next start."""
        if stamp == self.stamp:
            return
        self.lock.seek(0)
        self.lock.truncate()
        self.lock.write(stamp.encode())
        self.lock.flush()
        os.fsync(self.lock.fileno())


def path_of(url: str) -> Path:
    """The file that an URL such as `sqlite:///data/colloquy.db` names. Raises Refused."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Refused("MEMORY_DATABASE_URL is not a database URL.") from None
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise Refused("MEMORY_DATABASE_URL must name a file: sqlite:///path/of/colloquy.db")
    return Path(parsed.database).absolute()


@contextmanager
def locked(url: str) -> Generator[DatabaseFile]:
    """The file behind `url`, ours until the context is left. Raises DatabaseInUse, DatabaseGone, Unavailable."""
    path = path_of(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("a+b")
    except OSError as error:
        raise Unavailable(f"The folder of the database can't be written: {error.strerror}.") from error
    with lock:
        _take(lock, path)
        lock.seek(0)
        file = DatabaseFile(path, lock, lock.read(128).decode(errors="replace").strip())
        if file.stamp and not file.exists:
            raise DatabaseGone(
                f"The database {path} is gone, but it was there before. "
                f"Restore it, or delete {lock.name} to begin with an empty one."
            )
        yield file


def _take(lock: BinaryIO, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DatabaseInUse(
            f"Another memory process has {path} open, and SQLite is written by one process only. "
            "Stop the other one, or set MEMORY_DATABASE_URL=postgresql://… for several replicas."
        ) from None
