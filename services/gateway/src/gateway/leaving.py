"""Waiting for something on behalf of a client that may go away, in a process that may be told to stop."""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar, cast

from starlette.types import Receive, Scope, Send

from gateway.faults import AnswerLate, Overloaded, Stopping
from gateway.protocol import ABORT

T = TypeVar("T")

GRACE_SECONDS = 1.0
"""What was nearly done when the process was told to stop may still end well."""


class ClientGone(Exception):
    """There is nobody left to answer."""


async def until_gone(receive: Receive) -> None:
    """Returns when the client has closed the connection. The body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def while_wanted(work: Coroutine[Any, Any, T], receive: Receive, stopping: asyncio.Event, *, seconds: float) -> T:
    """The result of `work`, which is cancelled when nobody waits for it any more.

    Raises ClientGone, Stopping when the process was told to stop, AnswerLate after `seconds`.
    """
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(until_gone(receive))
    stopped = asyncio.ensure_future(_stopped(stopping))
    tasks = (working, gone, stopped)
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        if gone.done():
            raise ClientGone
        raise Stopping if stopped.done() else AnswerLate
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _stopped(stopping: asyncio.Event) -> None:
    await stopping.wait()
    await asyncio.sleep(GRACE_SECONDS)


async def write(send: Send, body: bytes, *, more: bool, seconds: float) -> None:
    """One part of a body. Raises Overloaded when the client doesn't read."""
    sending = cast("Coroutine[Any, Any, None]", send({"type": "http.response.body", "body": body, "more_body": more}))
    try:
        waiting = sending.send(None)
    except StopIteration:  # Nearly always it goes out at once, and a timer would cost three times as much as writing.
        return
    try:
        async with asyncio.timeout(seconds):
            await _Rest(sending, waiting)
    except TimeoutError:
        raise Overloaded from None


class _Rest:
    """What is left of a coroutine that has come to its first wait."""

    __slots__ = ("_coroutine", "_waiting")

    def __init__(self, coroutine: Coroutine[Any, Any, None], waiting: Any) -> None:
        self._coroutine = coroutine
        self._waiting = waiting

    def __await__(self) -> Generator[Any, Any, None]:
        try:
            yield self._waiting
            yield from self._coroutine.__await__()
        finally:
            self._coroutine.close()  # When its task was cancelled at that first wait, it does not know yet.


async def cut(scope: Scope) -> None:
    """Ends the connection of a client that doesn't read: it wouldn't read a last part either."""
    if abort := scope.get("extensions", {}).get(ABORT):
        abort()
        await asyncio.sleep(0)  # uvicorn learns of it in the next turn, and then expects no end of the response
