"""The file that the ends of the audit's chains are appended to: one JSON object a line, each sealed over the line before."""

import fcntl
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LONGEST_LINE = 4 * 1024 * 1024
"""Bytes; how far back the last line is looked for. A line holds as many heads as one run of anchoring finds."""


class AnchorFile:
    """Several processes may append to it: each waits for the others."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, line_after: Callable[[str], Mapping[str, Any]]) -> None:
        """Appends the line that is made with the seal of the last one. Durable when it returns. Raises OSError."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            tail = _tail(descriptor)
            line = json.dumps(line_after(last_seal(tail)), separators=(",", ":"), sort_keys=True).encode() + b"\n"
            # What a crash left half-written stays as it is, on a line of its own.
            os.write(descriptor, line if not tail or tail.endswith(b"\n") else b"\n" + line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _tail(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    length = min(size, LONGEST_LINE)
    return os.pread(descriptor, length, size - length)


def last_seal(tail: bytes) -> str:
    """The seal of the last line that can be read; empty when there is none."""
    for line in reversed(tail.splitlines()):
        try:
            return str(json.loads(line)["mac"])
        except (ValueError, KeyError, TypeError):
            continue
    return ""
