"""An engine in a process of its own, which is asked in frames: the service's side. It is begun again when it dies."""

import asyncio
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress

from transcribe.adapters.frames import EVENT, HEAD


class Refuses(Exception):
    """It does not begin; the text says why."""


class Apart:
    """`python -m MODULE FD …`. Whoever asks does so one question at a time, and ends it when an answer does not come whole."""

    def __init__(self, module: str, *arguments: str, limit: int) -> None:
        self._module, self._arguments = module, arguments
        self._limit = limit
        self._process: Process | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def runs(self) -> bool:
        """Whether it was begun, and not ended since."""
        return self._streams is not None

    async def begin(self, seconds: float) -> bytes:
        """Starts it; answers with what it says of itself. Raises Refuses, TimeoutError."""
        ours, theirs = socket.socketpair()
        with theirs:
            file = theirs.fileno()
            command = (sys.executable, "-m", self._module, str(file), *self._arguments)
            self._process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, pass_fds=(file,))
        ours.setblocking(False)
        self._streams = await asyncio.open_connection(sock=ours, limit=self._limit)
        kind, data = await self.read(seconds)
        if kind != EVENT:
            raise Refuses(data.decode())
        return data

    def write(self, frames: bytes) -> None:
        """Asks. Raises OSError."""
        if self._streams is None:
            raise OSError
        self._streams[1].write(frames)

    async def read(self, seconds: float) -> tuple[bytes, bytes]:
        """The next frame of its answer. Raises OSError, IncompleteReadError."""
        if self._streams is None:
            raise OSError
        async with asyncio.timeout(seconds):
            kind, size = HEAD.unpack(await self._streams[0].readexactly(HEAD.size))
            return kind, await self._streams[0].readexactly(size)

    async def end(self) -> None:
        """It is gone when this returns."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].transport.abort()
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
