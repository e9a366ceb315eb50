"""One MCP server, kept connected by a task of its own; whatever it does, only its own calls fail."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from time import monotonic
from typing import Any, Final, Protocol, TypeVar, cast

import structlog

from inference.tools.listing import Listed, Pins, offered_by
from inference.tools.offer import Offered
from inference.tools.outcome import ToolFailed
from inference.tools.servers import Server

log: structlog.stdlib.BoundLogger = structlog.get_logger()

SHORTEST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 60.0
"""Between two attempts to connect, doubled for each that fails."""

RELIST_SECONDS: Final = 2.0
"""Tools are not listed more often than this, however often a server says that they have changed."""

LEAVE_SECONDS: Final = 10.0

T = TypeVar("T")


class Session(Protocol):
    """A session of the library."""

    async def tools(self) -> list[Listed]:
        """What it lists."""
        ...

    async def call(self, name: str, arguments: dict[str, Any], key: str, seconds: float) -> Any:
        """Raises ToolFailed, and anything."""
        ...


Connect = Callable[[Server, Callable[[], None]], AbstractAsyncContextManager[Session]]


class Connection:
    """A server by its name. `run` has to run; the context of a session is entered and left in that one task."""

    def __init__(self, name: str, server: Server, connect: Connect, *, foreign: bool, fresh: float) -> None:
        self.name, self.server, self.foreign = name, server, foreign
        self._connect, self._fresh = connect, fresh
        self._pins = Pins({})
        self._session: Session | None = None
        self._offered: list[Offered] = []
        self._tried = asyncio.Event()
        self._up = asyncio.Event()
        self._wake = asyncio.Event()
        self._broken = False
        self._slots = asyncio.Semaphore(server.concurrency)
        self.used = monotonic()

    async def run(self) -> None:
        """Connects, again and again, until it is cancelled."""
        failures = 0
        while True:
            error = await failure_of(self._hold())
            failures = 0 if self._up.is_set() else failures + 1
            self._session = None
            self._up.clear()
            self._tried.set()
            delay = min(LONGEST_SECONDS, SHORTEST_SECONDS * 2 ** min(failures, 10)) if failures else SHORTEST_SECONDS
            log.warning("tools.disconnected", server=self._shown, reason=_kind(error), again_in=delay)
            await asyncio.sleep(delay)

    async def offered(self, patience: float) -> list[Offered]:
        """Its tools, as they were listed last. Waits a while for the first list."""
        self.used = monotonic()
        if not self._tried.is_set():
            await _wait(self._tried, patience)
        return self._offered if self._up.is_set() else []

    async def wait_up(self, patience: float) -> bool:
        """Waits a while for it to be connected."""
        return self._up.is_set() or await _wait(self._up, patience)

    async def call(self, offered: Offered, arguments: dict[str, Any], key: str) -> Any:
        """The answer of a tool. Raises ToolFailed. What honours the key is tried once more when the connection breaks."""
        self.used = monotonic()
        try:
            async with asyncio.timeout(offered.timeout):
                async with self._slots:
                    try:
                        return await self._call(offered, arguments, key)
                    except _Broke:
                        if not offered.idempotent:
                            raise
                        return await self._call(offered, arguments, key)
        except TimeoutError:
            raise ToolFailed("timeout", "The tool took too long.", unknown=offered.guarded) from None
        except _Broke as broke:
            raise ToolFailed(
                "connection_lost", "The tool's server broke off.", unknown=offered.guarded and broke.sent
            ) from None

    async def _call(self, offered: Offered, arguments: dict[str, Any], key: str) -> Any:
        await self._up.wait()
        session = self._session
        if session is None:
            raise _Broke(sent=False)
        outcome = await settled(session.call(offered.original, arguments, key, offered.timeout))
        if not isinstance(outcome, BaseException):
            return outcome
        if isinstance(outcome, ToolFailed):
            raise outcome
        if session is self._session:
            self._up.clear()  # Nobody else shall try on this one.
            self._broken = True
            self._wake.set()
        raise _Broke(sent=True)

    async def _hold(self) -> None:
        """One session, until it breaks."""
        self._broken = False
        async with self._connect(self.server, self._wake.set) as session:
            await self._list(session)
            self._session = session
            self._up.set()
            self._tried.set()
            log.info("tools.connected", server=self._shown, tools=len(self._offered))
            while not self._broken:
                self._wake.clear()
                await _wait(self._wake, self._fresh)
                if not self._broken:
                    await self._list(session)
                    await asyncio.sleep(RELIST_SECONDS)

    async def _list(self, session: Session) -> None:
        tools = await session.tools()
        self._offered = offered_by(self.name, self.server, tools, self._pins, foreign=self.foreign)

    @property
    def _shown(self) -> str:
        return "(of a person)" if self.foreign else self.name


class _Broke(Exception):
    def __init__(self, *, sent: bool) -> None:
        super().__init__()
        self.sent = sent


async def settled(work: Coroutine[Any, Any, T]) -> T | BaseException:
    """What it answers, or what it raises, whatever that is: the library and the server behind it may raise anything."""
    [outcome] = await asyncio.gather(work, return_exceptions=True)
    return outcome


async def failure_of(work: Coroutine[Any, Any, None]) -> BaseException | None:
    """How it ended."""
    return await settled(work)


def _kind(error: BaseException | None) -> str:
    """The name of the first exception in it: what it says is the server's."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return type(error).__name__


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
