"""Keeps programs running: starts again what dies, with growing pauses, until told to stop."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from colloquy.data_folder import DataFolder
from colloquy.errors import Failed
from colloquy.last_words import last_words
from colloquy.process import Process, Program, how_it_ended, was_killed

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
SETTLED_SECONDS = 60.0
"""A program that ran so long is forgiven its earlier deaths."""


@dataclass(slots=True)
class Pauses:
    """How long to wait before a program is started again."""

    _next: float = FIRST_PAUSE

    def after(self, ran_seconds: float) -> float:
        """The pause after a run of so many seconds."""
        if ran_seconds >= SETTLED_SECONDS:
            self._next = FIRST_PAUSE
        pause, self._next = self._next, min(self._next * 2, LONGEST_PAUSE)
        return pause


class Household:
    """Everything that is kept running together. `started` once all of it was up: who gives up before that has a reason."""

    def __init__(self, folder: DataFolder, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.say = say
        self.started = False
        self.stopping = asyncio.Event()
        self.fallen: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._keepers: list[Keeper] = []

    @asynccontextmanager
    async def keep(self, programs: Iterable[Program], grace: float) -> AsyncGenerator[None]:
        """Runs these programs while the context is open; then they have `grace` seconds to end by themselves."""
        keepers = [Keeper(program, self) for program in programs]
        self._keepers += keepers
        async with asyncio.TaskGroup() as tasks:
            for keeper in keepers:
                tasks.create_task(keeper.run())
            try:
                yield
            finally:
                self.stopping.set()
                await _retire(keepers, grace)

    def kill(self) -> None:
        """Ends everything at once."""
        self.stopping.set()
        for keeper in self._keepers:
            keeper.send(signal.SIGKILL)

    def names(self) -> list[str]:
        """Every program that is kept."""
        return [keeper.program.name for keeper in self._keepers]

    def restart(self, name: str, reason: str) -> None:
        """Ends one program in order; its keeper starts it again."""
        self.say(f"{reason}: {name} is restarted.")
        for keeper in self._keepers:
            if keeper.program.name == name:
                keeper.send(signal.SIGTERM)

    @asynccontextmanager
    async def nobody_falls(self) -> AsyncGenerator[None]:
        """A program that gives up ends the context: it raises Failed, in a group, with the last words of the program."""
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(self._fail_with_the_first())
            yield
            watch.cancel()

    async def _fail_with_the_first(self) -> None:
        name = await self.fallen
        raise Failed(f"{name} could not be started: {last_words(self.folder.log(name))}")


class Keeper:
    """Keeps one program running."""

    def __init__(self, program: Program, household: Household) -> None:
        self.program = program
        self._household = household
        self._process: Process | None = None
        self._pauses = Pauses()
        self.done = asyncio.Event()

    async def run(self) -> None:
        """Starts it, and again whenever it ends, until the household stops."""
        try:
            while not self._household.stopping.is_set():
                await self._once()
        finally:
            self.done.set()

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the process, if there is one."""
        if self._process is not None:
            self._process.send(number)

    async def _once(self) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        end = await self._live()
        if not self._household.stopping.is_set():
            await self._mourn(end, self._pauses.after(loop.time() - begin))

    async def _live(self) -> int | str:
        """Its exit status, or why it could not be started."""
        try:
            self._process = await Process.start(self.program, self._household.folder)
        except OSError as error:
            return error.strerror or "unknown error"
        if self._household.stopping.is_set():
            self.send(signal.SIGTERM)
        end = await self._process.ended()
        self._process = None
        return end

    async def _mourn(self, end: int | str, pause: float) -> None:
        household, name = self._household, self.program.name
        if household.started or was_killed(end):
            household.say(f"{name} {how_it_ended(end)}; starting it again in {pause:g} s.")
        elif not household.fallen.done():
            household.fallen.set_result(name)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await household.stopping.wait()


async def _retire(keepers: list[Keeper], grace: float) -> None:
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, None)):
        for keeper in keepers:
            keeper.send(number)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for keeper in keepers:
                    await keeper.done.wait()
                return
