"""A process that has loaded what is heavy, and forks a confined child for every recording and every live session.

`python -m transcribe.adapters.nursery FD ENGINE MEMORY`. It has one thread and no event loop, so forking it is safe; the model
lies in memory once. Over FD it is sent sockets: each becomes a child, which reads audio from it and writes what happens in it.
"""

import gc
import io
import json
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from shared.errors import Refused
from shared.media import Container
from transcribe.adapters import decoding, limits
from transcribe.adapters.frames import AUDIO, END, FAILED, START, frame, happened, read_frame
from transcribe.adapters.sphinx import Ear, loaded
from transcribe.hearing import Ended, Happening, Progress

READY: Final = b"ready"
PROGRESS_SECONDS: Final = 0.25
THROUGH_BYTES: Final = 16 * 1024
"""A sender that waits for room must hear of it also while there is no sound in what it sends."""

CPU_OF_HEARING, CPU_OF_DECODING, CPU_TO_START = 1.5, 0.1, 20.0
"""Seconds of computing that a second of audio may take, with a decoder and without, and what is allowed besides."""


class Incoming:
    """The audio as it comes over the socket: a file that can't be searched, whose `read` waits."""

    def __init__(self, sock: socket.socket, read_on: Callable[[], None]) -> None:
        self._sock = sock
        self._read_on = read_on
        self._rest = b""
        self._over = False
        self._cut: Exception | None = None
        self._told = 0
        self.through = 0

    def read(self, size: int = -1) -> bytes:
        """Some bytes; none at the end, and none when it was cut: a demuxer that meets an error here may ask for ever."""
        try:
            return self._read(size)
        except (EOFError, OSError, MemoryError) as error:
            self._over, self._rest, self._cut = True, b"", error
            return b""

    def check(self) -> None:
        """Raises what cut it, if anything did."""
        if self._cut is not None:
            raise self._cut

    def _read(self, size: int) -> bytes:
        while not self._rest and not self._over:
            kind, data = read_frame(self._sock)
            self._over = kind == END
            self._rest = data if kind == AUDIO else b""
        size = len(self._rest) if size < 0 else size
        part, self._rest = self._rest[:size], self._rest[size:]
        self.through += len(part)
        if self.through - self._told >= THROUGH_BYTES:
            self._told = self.through
            self._read_on()
        return part

    def everything(self) -> bytes:
        """All of it, for formats whose beginning stands at the end."""
        whole = b"".join(iter(self.read, b""))
        self.check()
        return whole


class Child:
    """One recording or session, from its first byte to its end."""

    def __init__(self, sock: socket.socket, decoder: Any | None) -> None:
        self._sock = sock
        self._decoder = decoder
        self._incoming = Incoming(sock, self._progress)
        self._ear = Ear(decoder)
        self._told = 0.0

    def run(self) -> None:
        """Does what the first frame says."""
        kind, data = read_frame(self._sock)
        if kind != START:
            return
        order = json.loads(data)
        try:
            self._hear(order)
        except Refused as refused:
            self._sock.sendall(frame(FAILED, json.dumps([refused.code, str(refused)]).encode()))
        except MemoryError:
            self._sock.sendall(frame(FAILED, json.dumps(["broken_audio", "Reading this takes too much memory."]).encode()))

    def _hear(self, order: dict[str, Any]) -> None:
        ear = self._ear
        source, kind = self._source(order)
        for pcm in decoding.samples(source, kind, order["seconds"]):
            for event in ear.hear(pcm):
                self._tell(event)
            if ear.seconds - self._told >= PROGRESS_SECONDS:
                self._told = ear.seconds
                self._progress()
        self._incoming.check()
        for event in ear.close():
            self._tell(event)
        self._tell(Ended(round(ear.seconds, 2)))

    def _source(self, order: dict[str, Any]) -> tuple[Any, Container]:
        """What to decode, and as what. A recording is looked at first; of a live session nobody knows how long it will be."""
        per_second = CPU_OF_HEARING if self._decoder is not None else CPU_OF_DECODING
        if order["live"]:
            head = decoding.head_of(self._incoming)
            limits.allow_cpu(CPU_TO_START + per_second * order["seconds"])
            return decoding.Joined(head, self._incoming), decoding.container(head)
        whole = self._incoming.everything()
        kind = decoding.container(decoding.head_of(io.BytesIO(whole)))
        seconds = decoding.probe(io.BytesIO(whole), kind, order["seconds"])
        limits.allow_cpu(CPU_TO_START + per_second * max(seconds, 1.0))
        return io.BytesIO(whole), kind

    def _progress(self) -> None:
        self._tell(Progress(round(self._ear.seconds, 2), self._incoming.through))

    def _tell(self, event: Happening) -> None:
        self._sock.sendall(happened(event))


def main() -> None:
    """Loads, then forks until the other end is closed."""
    control = socket.socket(fileno=int(sys.argv[1]))
    decoder = loaded() if sys.argv[2] == "pocketsphinx" else None
    memory = int(sys.argv[3])
    decoding.load_everything()
    for number in (signal.SIGINT, signal.SIGTERM):  # the service says when; a child ends with its socket
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to be waited for
    limits.die_with_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limits.leave_network()
    gc.collect()
    gc.freeze()
    control.sendall(READY)
    while True:
        message, files, *_ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        for file in files:
            if os.fork() == 0:
                _child(file, decoder, memory)
            os.close(file)


def _child(file: int, decoder: Any | None, memory: int) -> None:
    """Never returns: a child must not go on as its parent."""
    code = 1
    try:
        limits.die_with_parent()
        os.dup2(file, limits.SESSION_FD)
        limits.confine(memory)
        with suppress(EOFError, OSError):
            Child(socket.socket(fileno=limits.SESSION_FD), decoder).run()
        code = 0
    finally:
        if (error := sys.exception()) is not None:
            traceback.print_exception(error)
        os._exit(code)


if __name__ == "__main__":
    main()
