"""The service's side of the nursery: keeps one running, and a socket to each child."""

import asyncio
import json
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

import structlog
from prometheus_client import Counter

from shared.errors import Fault, Refused, Unavailable, fault_of
from shared.tasks import owned
from transcribe.adapters.frames import AUDIO, END, FAILED, HEAD, MAX_FRAME, frame, happening, order
from transcribe.adapters.nursery import READY
from transcribe.hearing import Ended, Happening

log: structlog.stdlib.BoundLogger = structlog.get_logger()

NURSERIES: Final = Counter("colloquy_transcribe_nurseries_total", "How often the process that makes sandboxes was begun.")

LOAD_SECONDS: Final = 60.0
"""A model of 37 MB may have to come from a slow disk, on a machine that does other things."""

LEAVE_SECONDS: Final = 2.0
AGAIN_SECONDS: Final = 1.0
SILENT_SECONDS: Final = 60.0
"""Something happens at least four times in a second of computing; a child that is silent for so long is stuck."""

PIECE_BYTES: Final = 64 * 1024


class SandboxLost(Refused):
    """Reading this audio took more time or memory than it may."""

    code, status = "audio_too_costly", 422


class Child:
    """One child: see `ports.Sandbox`."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: Callable[[], Awaitable[Fault]]
    ) -> None:
        self._reader, self._writer, self._lost = reader, writer, lost

    async def send(self, data: bytes) -> None:
        """More audio, in pieces. Why nobody reads them any more, `events` tells."""
        with suppress(OSError):
            for place in range(0, len(data), PIECE_BYTES):
                self._writer.write(frame(AUDIO, data[place : place + PIECE_BYTES]))
                await self._writer.drain()

    async def end(self) -> None:
        """No more."""
        with suppress(OSError):
            self._writer.write(frame(END))
            await self._writer.drain()

    async def events(self) -> AsyncGenerator[Happening, None]:
        """Until the end, or until it is lost."""
        while True:
            event = await self._next()
            yield event
            if isinstance(event, Ended):
                return

    async def _next(self) -> Happening:
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                kind, size = HEAD.unpack(await self._reader.readexactly(HEAD.size))
                data = await self._reader.readexactly(min(size, MAX_FRAME))
            if kind == FAILED:
                raise _refusal(data)
            return happening(kind, data)
        except (asyncio.IncompleteReadError, OSError, ValueError):  # TimeoutError is an OSError
            raise await self._lost() from None


def _refusal(data: bytes) -> Refused:
    """What the child refused the audio with. Raises ValueError."""
    code, message = json.loads(data)
    fault = fault_of(str(code), str(message), {}, 1.0)
    return fault if isinstance(fault, Refused) else SandboxLost()


class Nursery:
    """Made by `nursery`. See `ports.Sandboxes`."""

    def __init__(self, engine: str, memory: int) -> None:
        self._arguments = (engine, str(memory))
        self._control: socket.socket | None = None
        self._ready = asyncio.Event()
        self.pid = 0

    @asynccontextmanager
    async def open(self, *, live: bool, seconds: float) -> AsyncGenerator[Child]:
        """A child of its own; leaving the context ends it."""
        ours, theirs = socket.socketpair()
        with theirs:
            await self._hand_over(theirs)
        ours.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=ours)
        try:
            writer.write(order({"live": live, "seconds": seconds}))
            yield Child(reader, writer, partial(self.lost, self.pid))
        finally:
            writer.transport.abort()

    async def _hand_over(self, theirs: socket.socket) -> None:
        """To the nursery that there is, or to the next one. Raises Unavailable when there is none for long."""
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                while not self._handed(theirs):
                    await self._ready.wait()
        except TimeoutError:
            raise Unavailable("The engine does not start.") from None

    def _handed(self, theirs: socket.socket) -> bool:
        if self._control is None:
            return False
        try:
            socket.send_fds(self._control, [b"+"], [theirs.fileno()])
        except OSError:
            self._control = None
            self._ready.clear()
            return False
        return True

    async def lost(self, pid: int) -> Fault:
        """Why a child of this nursery is gone: because of what it read, unless the nursery is gone too."""
        await asyncio.sleep(AGAIN_SECONDS)
        return SandboxLost() if self.pid == pid and self._control is not None else Unavailable("The engine starts again.")

    async def ready(self) -> None:
        """Returns when one is there."""
        await self._ready.wait()

    async def keep(self) -> None:
        """Keeps one running for ever; begins another when it dies."""
        while True:
            ours, theirs = socket.socketpair()
            with theirs:
                process = await self._begin(theirs)
            with ours:
                try:
                    await self._live(process, ours)
                finally:
                    self._control = None
                    self._ready.clear()
            log.error("nursery.died", code=process.returncode)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _begin(self, theirs: socket.socket) -> Process:
        file = theirs.fileno()
        NURSERIES.inc()
        arguments = ("-m", "transcribe.adapters.nursery", str(file), *self._arguments)
        return await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=DEVNULL, pass_fds=(file,))

    async def _live(self, process: Process, control: socket.socket) -> None:
        """Returns when it has died; kills it when this is cancelled."""
        try:
            await self._loaded(control)
            self._control, self.pid = control, process.pid
            self._ready.set()
            await process.wait()
        finally:
            control.close()
            await _gone(process)

    async def _loaded(self, control: socket.socket) -> None:
        control.setblocking(False)
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(LOAD_SECONDS):
                said = await asyncio.get_running_loop().sock_recv(control, len(READY))
            if said == READY:
                log.info("nursery.ready")


async def _gone(process: Process) -> None:
    """Returns when it has ended: by itself, because its socket is closed, or killed."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LEAVE_SECONDS):
            await process.wait()
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@asynccontextmanager
async def nursery(engine: str, memory: int) -> AsyncGenerator[Nursery]:
    """A nursery that has loaded what `engine` needs."""
    made = Nursery(engine, memory)
    async with owned() as tasks:
        keeping = tasks.create_task(made.keep())
        try:
            await made.ready()
            yield made
        finally:
            keeping.cancel()
