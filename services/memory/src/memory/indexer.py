"""Brings what has changed into the search index, behind the answers: in small writes, and rarely while others wait to write."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog
from prometheus_client import Gauge
from sqlalchemy import Connection

from memory.derived import MESSAGE, NOTE
from memory.ledger import Ledger
from memory.ports import Entered, Finder, Store
from memory.records import search
from memory.records.search import Document, Entry
from shared.errors import Fault

log: structlog.stdlib.BoundLogger = structlog.get_logger()

LAG = Gauge("colloquy_memory_index_lag", "Messages and notes that search does not know yet, counted up to 100,000.")
MOST_LAG = 100_000

AT_ONCE, AT_ONCE_CHARACTERS = 50, 200_000
"""Of what one write indexes: 3 ms with messages of 30 words, 5 % of them above 13 (measured)."""

GATHER_SECONDS = 0.25
"""Between a change and its indexing: others come meanwhile, and share the commit. What came while a batch was written waits as
long, or every message would bring a commit of its own for the index."""

AGAIN_SECONDS = 30.0
"""At the latest: another replica may have died over its part."""

PATIENCE = 20.0
"""While others wait to write, a batch is followed by a pause of so many times what it took, else of as long as it took."""


class Indexer:
    """Runs for as long as memory does. What it has not done is in the queue, for the next start."""

    def __init__(self, ledger: Ledger, finder: Finder, indexed: Callable[[], None] | None = None) -> None:
        self._ledger, self._finder, self._indexed = ledger, finder, indexed

    async def run(self) -> None:
        """Indexes for ever. A database in trouble is tried again at the next turn."""
        while True:
            try:
                await self.catch_up()
            except Fault as fault:
                log.warning("index.waits", code=fault.code)
            await self._something()

    async def _something(self) -> None:
        try:
            async with asyncio.timeout(AGAIN_SECONDS):
                await self._ledger.changed.wait()
        except TimeoutError:
            return
        await asyncio.sleep(GATHER_SECONDS)
        self._ledger.changed.clear()

    async def catch_up(self) -> int:
        """Indexes all that waits; answers with how much it was."""
        count = 0
        loop = asyncio.get_running_loop()
        while waiting := await self._ledger.store.read(lambda connection: search.lag(connection, MOST_LAG)):
            LAG.set(waiting)
            began = loop.time()
            some = await self._ledger.store.write(self._some)
            count += some
            if some and self._indexed is not None:
                self._indexed()
            if some in (0, waiting):
                break  # another replica has it in its hands, or that was all
            await asyncio.sleep(self._pause(loop.time() - began, waiting - some))
        LAG.set(0)
        return count

    def _pause(self, took: float, left: int) -> float:
        least = GATHER_SECONDS if left < AT_ONCE else 0.0
        return max(least, min(1.0, took * (PATIENCE if self._ledger.writing else 1.0)))

    def _some(self, connection: Connection) -> int:
        return index(connection, self._finder, search.waiting(connection, AT_ONCE), embedding=self._indexed is not None)


def index(connection: Connection, finder: Finder, entries: Sequence[Entry], *, embedding: bool) -> int:
    """Takes out what these were, and enters what they are now; as many as are not too long for one write."""
    there = {(document.kind, document.seq): document for document in _documents(connection, entries)}
    chosen = list(_fitting(entries, there))
    taken = [Entered(one.kind, one.seq, one.user, one.conversation_id, one.old or "") for one in chosen]
    found = [there[one.kind, one.seq] for one in chosen if (one.kind, one.seq) in there]
    finder.index(connection, taken, [_entered(document) for document in found if document.text])
    search.done(connection, chosen)
    search.drop_embeddings(connection, chosen)
    if embedding:
        search.embed_later(connection, [one for one in chosen if (one.kind, one.seq) in there])
    return len(chosen)


def _documents(connection: Connection, entries: Sequence[Entry]) -> Iterable[Document]:
    for kind in (MESSAGE, NOTE):
        seqs = [entry.seq for entry in entries if entry.kind == kind]
        yield from search.documents(connection, kind, seqs)


def _entered(document: Document) -> Entered:
    return Entered(document.kind, document.seq, document.user, document.conversation_id, document.text)


def _fitting(entries: Sequence[Entry], there: dict[tuple[int, int], Document]) -> Iterable[Entry]:
    left = AT_ONCE_CHARACTERS
    for entry in entries:
        document = there.get((entry.kind, entry.seq))
        left -= len(entry.old or "") + (len(document.text) if document else 0)
        yield entry
        if left <= 0:
            return


async def forget(store: Store, finder: Finder, user: str) -> None:
    """Takes an erased user out of the index, whose messages and notes are gone already, and writes it anew, so that no byte of
    his words is left in the database. Takes seconds with millions of messages, in steps; others come in between.
    """

    def some(connection: Connection) -> bool:
        waiting = search.waiting_of(connection, user, AT_ONCE)
        index(connection, finder, waiting, embedding=False)
        return not waiting

    while not await store.write(some):
        pass
    await store.write(lambda connection: search.forget_embeddings(connection, user))
    if not await store.write(lambda connection: finder.forgotten(connection, user)):
        # It knows texts that nobody remembers: only an empty one is sure to be without them.
        log.error("index.begins_anew")
        await store.write(lambda connection: begin_anew(connection, finder))
    await scrub(store, finder)


def begin_anew(connection: Connection, finder: Finder) -> None:
    """Empties the index; everything that is there waits to be indexed."""
    finder.begin_anew(connection)
    search.all_later(connection)


async def scrub(store: Store, finder: Finder) -> None:
    """Writes the index anew, in steps: what was taken out of it is in its older parts until then."""
    more = await store.write(lambda connection: finder.scrub(connection, first=True))
    while more:
        more = await store.write(lambda connection: finder.scrub(connection, first=False))
