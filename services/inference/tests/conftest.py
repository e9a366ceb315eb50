"""What the tests of inference share: a memory, workers, and the log of a generation as it is stored."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from fake_memory import FakeMemory
from hypothesis import settings
from turns import NewBus, Turn, Work

from inference.app import application
from inference.settings import InferenceSettings
from shared.bus import Bus

# Other people's load must not fail a test: what may take how long is measured, never tested.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
async def memory(new_bus: NewBus) -> AsyncGenerator[FakeMemory]:
    fake = FakeMemory()
    bus = await new_bus("memory")
    async with bus.answer("memory", "0", fake.answers()):
        yield fake


@pytest.fixture
async def work(new_bus: NewBus) -> AsyncGenerator[Work]:
    """Starts a worker with these settings: `await work(slots=2)`. Closing what it returns is SIGTERM."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> AsyncExitStack:
            bus = await new_bus("inference")
            worker = await stack.enter_async_context(AsyncExitStack())
            settings = {"demo_tokens_per_second": 0} | settings
            await worker.enter_async_context(application(InferenceSettings(**settings), bus))
            return worker

        yield start


@pytest.fixture
async def turn(bus: Bus, memory: FakeMemory) -> Turn:
    return Turn(bus, memory)
