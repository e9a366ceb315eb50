"""One program as a process: started on a leash, its output in a log file, its number in a pid file."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from colloquy import leash
from colloquy.data_folder import DataFolder, write_private


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `name` is that of the process, such as `inference-1`."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    inherited: tuple[int, ...] = ()
    """File descriptors it gets."""


class Process:
    """A running program, in a session of its own, so that Ctrl-C at the terminal does not reach it."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, pid_file: Path) -> None:
        self.name = name
        self._process = process
        self._pid_file = pid_file

    @classmethod
    async def start(cls, program: Program, folder: DataFolder) -> "Process":
        """Starts it. Raises OSError."""
        with folder.log(program.name).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", leash.__file__, str(os.getpid()), *program.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=program.environment,
                pass_fds=program.inherited,
                start_new_session=True,
            )
        with suppress(OSError):  # a full disk must not keep a service from being started again
            write_private(folder.pid(program.name), f"{process.pid}\n")
        return cls(program.name, process, folder.pid(program.name))

    @property
    def pid(self) -> int:
        """Its process id, and that of its group."""
        return self._process.pid

    async def ended(self) -> int:
        """Its exit status, or minus the number of the signal that killed it; whatever it had started is gone too."""
        code = await self._process.wait()
        self.send(signal.SIGKILL)
        self._pid_file.unlink(missing_ok=True)
        return code

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to it and to what it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def was_killed(end: int | str) -> bool:
    """Whether it did not end by itself."""
    return isinstance(end, int) and end < 0


def how_it_ended(end: int | str) -> str:
    """`was killed (SIGKILL)`, or `ended with status 1`; a text is why it could not even be started."""
    if isinstance(end, str):
        return f"could not be started ({end})"
    if end < 0:
        return f"was killed ({signal.Signals(-end).name})"
    return f"ended with status {end}"
