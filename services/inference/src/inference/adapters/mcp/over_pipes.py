"""MCP with a program of the operator over its pipes. The library's own reads a line of any length, in quadratic time."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

GOING_SECONDS: Final = 1.5
"""How long a program may take to go when its input has ended, and again when it was told to."""

Incoming = MemoryObjectSendStream[SessionMessage | Exception]
Outgoing = MemoryObjectReceiveStream[SessionMessage]
Streams = tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]


@asynccontextmanager
async def over_pipes(command: Sequence[str], env: Mapping[str, str], most: int) -> AsyncGenerator[Streams]:
    """Runs the program while the context is open; no line that it writes is longer than `most` bytes. Raises OSError."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, env={**get_default_environment(), **env}, limit=most, start_new_session=True
    )
    try:
        incoming, heard = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        told, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
        async with anyio.create_task_group() as tasks, incoming, heard, told, outgoing:
            tasks.start_soon(_hear, process, incoming)
            tasks.start_soon(_tell, process, outgoing, incoming)
            yield heard, told
            tasks.cancel_scope.cancel()
    finally:
        await _end(process)


async def _hear(process: Process, incoming: Incoming) -> None:
    """What the program says, line by line. When it is gone, or says too much at once, that is the end."""
    lines = cast("asyncio.StreamReader", process.stdout)
    async with incoming:
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, ConnectionError, ValueError):
            while line := await lines.readline():  # ValueError: a line that is too long
                await incoming.send(_read(line))


def _read(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


async def _tell(process: Process, outgoing: Outgoing, incoming: Incoming) -> None:
    pipe = cast("asyncio.StreamWriter", process.stdin)
    try:
        async for message in outgoing:
            pipe.write(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            await pipe.drain()
    except (ConnectionError, RuntimeError):  # RuntimeError: uvloop, when the pipe is closed
        await incoming.aclose()


async def _end(process: Process) -> None:
    """Ends the program and whatever it has begun: gently, then not. Never leaves one behind, even when it is cancelled."""
    try:
        if process.stdin is not None:
            process.stdin.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(TimeoutError):
                async with asyncio.timeout(GOING_SECONDS):
                    await process.wait()
            if process.returncode is not None:
                break
            _signal(process, number)
    finally:
        _signal(process, signal.SIGKILL)


def _signal(process: Process, number: signal.Signals) -> None:
    # The program leads a session of its own: what it started goes with it.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
