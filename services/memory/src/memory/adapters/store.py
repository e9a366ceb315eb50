"""Which of the two databases it is: their addresses tell."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from memory.adapters import postgres_store, sqlite_store
from memory.adapters.postgres_address import is_postgres
from memory.ports import Store
from memory.settings import MemorySettings


@asynccontextmanager
async def open_store(settings: MemorySettings, new_stamp: str, now: int) -> AsyncGenerator[Store]:
    """The database of these settings, its schema up to date. Leaving finishes what waits and closes."""
    opening = postgres_store.open_postgres if is_postgres(settings.database_url) else sqlite_store.open_store
    async with opening(settings, new_stamp, now) as store:
        yield store
