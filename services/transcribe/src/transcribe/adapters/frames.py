"""Frames between this service and the processes it made: a letter, a length, bytes. Plain functions, for both ends."""

import json
import socket
import struct
from dataclasses import asdict
from typing import Any, Final

from transcribe.hearing import Began, Ceased, Ended, Happening, Partial, Progress, Sound

HEAD: Final = struct.Struct("!cI")
MAX_FRAME: Final = 4 * 1024 * 1024

AUDIO, END, START, EVENT, SOUND, FAILED = b"A", b"E", b"S", b"J", b"P", b"F"

_KINDS: dict[str, type[Began | Partial | Ceased | Progress | Ended]] = {
    kind.__name__: kind for kind in (Began, Partial, Ceased, Progress, Ended)
}


def frame(kind: bytes, data: bytes = b"") -> bytes:
    """One frame."""
    return HEAD.pack(kind, len(data)) + data


def happened(event: Happening) -> bytes:
    """An event as a frame."""
    if isinstance(event, Sound):
        return frame(SOUND, event.pcm)
    return frame(EVENT, json.dumps([type(event).__name__, asdict(event)]).encode())


def happening(kind: bytes, data: bytes) -> Happening:
    """The inverse of `happened`. Raises ValueError when it is none: the process at the other end is not to be trusted."""
    if kind == SOUND:
        return Sound(data)
    try:
        name, values = json.loads(data)
        return _checked(_KINDS[name](**values))
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(type(error).__name__) from None


def _checked(event: Began | Partial | Ceased | Progress | Ended) -> Happening:
    for name, value in asdict(event).items():
        allowed: tuple[type, ...] = (str, type(None)) if name == "text" else (int, float)
        if not isinstance(value, allowed):
            raise TypeError(name)
    return event


def read_exactly(sock: socket.socket, size: int) -> bytes:
    """So many bytes. Raises EOFError when they end before."""
    parts: list[bytes] = []
    while size:
        part = sock.recv(min(size, 1 << 16))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_frame(sock: socket.socket) -> tuple[bytes, bytes]:
    """The next frame. Raises EOFError."""
    kind, size = HEAD.unpack(read_exactly(sock, HEAD.size))
    if size > MAX_FRAME:
        raise EOFError
    return kind, read_exactly(sock, size)


def order(values: dict[str, Any]) -> bytes:
    """The first frame to a process: what it is to do."""
    return frame(START, json.dumps(values).encode())
