"""All MCP servers of this process: the operator's from the start, a person's when they are needed, and not for ever."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from time import monotonic
from typing import Any, Final, NamedTuple, cast

import httpx

from inference.adapters.mcp.connection import Connection, Session
from inference.tools.offer import Offered
from inference.tools.outcome import ToolFailed
from inference.tools.servers import Server, of_person
from shared.outbound import Reach, outbound
from shared.tasks import owned

PATIENCE_SECONDS: Final = 3.0
"""How long an answer waits for the first list of a server."""

LONG_PATIENCE_SECONDS: Final = 15.0
"""The same when it is about to call one of its tools."""

IDLE_SECONDS: Final = 600.0
"""After which a server of a person is let go."""

MOST_FOREIGN: Final = 64
"""Servers of persons that one process is connected to; the one that was used longest ago makes room."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for all: seconds for which a list is fresh; servers of one person, and the hosts they may be at."""

    fresh: float = 300.0
    of_person: int = 4
    hosts: frozenset[str] = frozenset({"*"})


class _Held(NamedTuple):
    connection: Connection
    task: asyncio.Task[None]


class Pool:
    """Made by `pool`."""

    def __init__(self, tasks: asyncio.TaskGroup, ours: httpx.AsyncClient, theirs: httpx.AsyncClient, limits: Limits) -> None:
        self._tasks, self._ours, self._theirs, self._limits = tasks, ours, theirs, limits
        self._own: dict[str, _Held] = {}
        self._foreign: dict[tuple[str, str], _Held] = {}

    def begin(self, servers: Mapping[str, Server]) -> None:
        """Connects to the operator's servers."""
        for name, server in servers.items():
            self._own[name] = self._held(name, server, foreign=False)

    async def offered(self, user: str, preferences: Mapping[str, Any], wanted: Collection[str]) -> list[Offered]:
        """The tools of all servers that are there for this person."""
        connections = [held.connection for held in self._own.values()] + self._of(user, preferences)
        patience = [_patience(one.name, wanted) for one in connections]
        lists = await asyncio.gather(*(_list(*pair) for pair in zip(connections, patience, strict=True)))
        return [offered for one in lists for offered in one]

    async def call(self, user: str, offered: Offered, arguments: dict[str, Any], key: str) -> Any:
        """The answer of a tool. Raises ToolFailed."""
        name = offered.tool.server or ""
        held = self._foreign.get((user, name)) if offered.foreign else self._own.get(name)
        if held is None:
            raise ToolFailed("tool_unavailable", "The server of this tool is not there.")
        return await held.connection.call(offered, arguments, key)

    def close(self) -> None:
        """Leaves every server."""
        for held in (*self._own.values(), *self._foreign.values()):
            held.task.cancel()

    def _of(self, user: str, preferences: Mapping[str, Any]) -> list[Connection]:
        self._let_go()
        named = of_person(preferences, self._limits.of_person) if preferences else {}
        found: list[Connection] = []
        for name, server in named.items():
            if name in self._own:
                continue
            held = self._foreign.get((user, name))
            if held is not None and held.connection.server != server:
                held.task.cancel()
                held = None
            if held is None:
                held = self._foreign[user, name] = self._held(name, server, foreign=True)
            found.append(held.connection)
        return found

    def _held(self, name: str, server: Server, *, foreign: bool) -> _Held:
        client = self._theirs if foreign else self._ours
        connection = Connection(name, server, _connect_by(client), foreign=foreign, fresh=self._limits.fresh)
        return _Held(connection, self._tasks.create_task(connection.run()))

    def _let_go(self) -> None:
        by_age = sorted(self._foreign.items(), key=lambda item: item[1].connection.used)
        too_many = max(0, len(by_age) - MOST_FOREIGN)
        for number, (key, held) in enumerate(by_age):
            if number < too_many or monotonic() - held.connection.used > IDLE_SECONDS:
                held.task.cancel()
                del self._foreign[key]


@asynccontextmanager
async def pool(servers: Mapping[str, Server], limits: Limits) -> AsyncGenerator[Pool]:
    """Connected to these servers while the context is open."""
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        theirs = await stack.enter_async_context(outbound(Reach(hosts=limits.hosts)))
        tasks = await stack.enter_async_context(owned())
        one = Pool(tasks, ours, theirs, limits)
        stack.callback(one.close)
        one.begin(servers)
        yield one


def _connect_by(client: httpx.AsyncClient) -> Callable[[Server, Callable[[], None]], AbstractAsyncContextManager[Session]]:
    @asynccontextmanager
    async def connect(server: Server, changed: Callable[[], None]) -> AsyncGenerator[Session]:
        # The library takes most of a second to be imported, and most installations never need it.
        connecting = cast("Any", await asyncio.to_thread(import_module, "inference.adapters.mcp.connecting"))
        async with connecting.connected(server, client, changed) as session:
            yield session

    return connect


def _patience(server: str, wanted: Collection[str]) -> float:
    called = any(name.startswith(f"{server}__") for name in wanted)
    return LONG_PATIENCE_SECONDS if called else PATIENCE_SECONDS


async def _list(connection: Connection, patience: float) -> list[Offered]:
    if patience > PATIENCE_SECONDS:
        await connection.wait_up(patience)
    return await connection.offered(patience)
