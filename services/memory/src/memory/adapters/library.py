"""Search, put together: the index, what fills it in the background, and recall where embeddings are configured."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from memory.adapters import embeddings
from memory.adapters.postgres_address import is_postgres
from memory.adapters.postgres_vectors import PostgresVectors
from memory.adapters.sizes import measuring
from memory.indexer import Indexer
from memory.ledger import Ledger
from memory.recall import Recall
from memory.settings import MemorySettings
from shared.errors import Fault
from shared.tasks import owned

MEASURED_SECONDS = 15.0


@asynccontextmanager
async def searching(ledger: Ledger, settings: MemorySettings) -> AsyncGenerator[None]:
    """What is said can be found while the context is open."""
    async with AsyncExitStack() as house:
        if settings.embeddings_url is not None:
            client = await house.enter_async_context(embeddings.client())
            embedder = embeddings.embedder_of(client, settings, settings.embeddings_url)
            vectors = PostgresVectors() if is_postgres(settings.database_url) else None
            ledger.recall = Recall(ledger.store, embedder, vectors)
        if ledger.finder is not None:
            await ledger.store.write(ledger.finder.prepare)
        async with owned() as tasks:
            running = [tasks.create_task(work) for work in _works(ledger, settings)]
            try:
                yield
            finally:
                for task in running:
                    task.cancel()


def _works(ledger: Ledger, settings: MemorySettings) -> Iterator[Coroutine[Any, Any, None]]:
    if ledger.finder is not None:
        yield Indexer(ledger, ledger.finder, None if ledger.recall is None else ledger.recall.wake).run()
    if ledger.recall is not None:
        yield ledger.recall.run()
    yield _measure(ledger, settings)


async def _measure(ledger: Ledger, settings: MemorySettings) -> None:
    measure = measuring(settings.database_url)
    while True:
        with suppress(Fault):  # the sweep says so
            await ledger.store.read(measure)
        await asyncio.sleep(MEASURED_SECONDS)
