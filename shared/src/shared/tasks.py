"""Owners of tasks, for context managers whose body is somebody else's."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


@asynccontextmanager
async def owned() -> AsyncGenerator[asyncio.TaskGroup]:
    """A TaskGroup that raises a lone exception as itself: what the body raises must not change its type on the way out."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        first, *others = group.exceptions
        if others:
            raise
        raise first from first.__cause__
