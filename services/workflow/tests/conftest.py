"""What the tests of workflows share: workers in this process, and callers."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from calling import Caller, Process
from sample_workflows import SAMPLES

from workflow.app import application
from workflow.settings import WorkflowSettings

NewWorker = Callable[..., Awaitable[AsyncExitStack]]


@pytest.fixture
async def new_worker(new_bus) -> AsyncGenerator[NewWorker]:
    """Starts a worker: `await new_worker(definitions)`. Closing what it returns is SIGTERM."""
    async with AsyncExitStack() as stack:

        async def start(definitions: Any = SAMPLES, **settings: Any) -> AsyncExitStack:
            bus = await new_bus("workflow")
            worker = await stack.enter_async_context(AsyncExitStack())
            await worker.enter_async_context(application(WorkflowSettings(**settings), bus, definitions))
            return worker

        yield start


@pytest.fixture
async def worker(new_worker) -> AsyncExitStack:
    return await new_worker()


@pytest.fixture
async def ana(new_bus) -> Caller:
    return Caller(await new_bus("gateway"))


@pytest.fixture
async def new_process(nats_server, tmp_path) -> AsyncGenerator[Callable[..., Awaitable[Process]]]:
    """Starts a worker process."""
    processes: list[Process] = []

    async def start(**more: str) -> Process:
        process = await Process.start(nats_server.url("workflow"), tmp_path / "workers.log", **more)
        processes.append(process)
        return process

    yield start
    for process in processes:
        await process.kill()
