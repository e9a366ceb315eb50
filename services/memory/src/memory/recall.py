"""What means something like it: vectors are made behind the answers, the nearest found by looking at all of a user's."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import structlog

from memory.ports import Embedder, Store, Vectors
from memory.records import embeddings, search
from memory.records.embeddings import Key
from memory.records.search import Document
from shared.errors import Busy, Fault, Refused

log: structlog.stdlib.BoundLogger = structlog.get_logger()

AT_ONCE, CHARACTERS = 32, 8_000
"""Texts that one request holds, and of each the characters that count: models cut at about as many."""

LOOKED_AT = 50_000
"""Vectors of one user, the newest: with 384 dimensions 77 MB, and 10 ms."""

HELD_BYTES, HELD_SECONDS = 256 * 1024 * 1024, 15.0
"""Vectors that are kept at hand, and for how long: another replica may have made some meanwhile."""

FIRST_PAUSE, LAST_PAUSE = 1.0, 60.0
NEAR = 50
LEAST_LIKENESS = 0.2
"""The cosine below which two texts have nothing to do with each other, in any model we know."""

PATIENCE_SECONDS = 2.0
"""A search does not wait longer for the vector of its words; it goes on without."""

CHORE = "embedded_by"


@dataclass(frozen=True, slots=True)
class Held:
    """A user's vectors, as they were read at a time of the loop's clock."""

    keys: Sequence[Key]
    matrix: "np.ndarray[tuple[int, int], np.dtype[np.float32]]"
    at: float


class Recall:
    """Runs for as long as memory does, if there is a server of embeddings."""

    def __init__(self, store: Store, embedder: Embedder, index: Vectors | None = None) -> None:
        self._store, self._embedder, self._index = store, embedder, index
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._something = asyncio.Event()

    def wake(self) -> None:
        """Something was indexed: it may want a vector."""
        self._something.set()

    async def run(self) -> None:
        """Makes vectors for ever; while the server is away, tries again ever more rarely."""
        pause = FIRST_PAUSE
        while True:
            try:
                await self.catch_up()
                pause = FIRST_PAUSE
                await self._something.wait()
                self._something.clear()
            except Fault as fault:
                log.warning("embeddings.wait", code=fault.code, seconds=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LAST_PAUSE)

    async def catch_up(self) -> None:
        """Makes the vectors of all that waits. Raises Busy."""
        store = self._store
        if await store.read(lambda connection: search.chore(connection, CHORE)) != self._embedder.model:
            await store.write(lambda connection: embeddings.begin_anew(connection, CHORE, self._embedder.model))
        while True:
            keys, documents = await store.read(lambda connection: embeddings.waiting(connection, AT_ONCE))
            if not keys:
                return
            await self._keep(keys, await self._vectors(documents))

    async def _keep(self, keys: Sequence[Key], vectors: Sequence[tuple[Document, bytes]]) -> None:
        await self._store.write(lambda connection: embeddings.keep(connection, keys, vectors, self._index))
        for document, _ in vectors:
            self._held.pop(document.user, None)

    async def _vectors(self, documents: Sequence[Document]) -> list[tuple[Document, bytes]]:
        """One text that the server refuses must not keep the others waiting: then they are asked for one by one."""
        if not documents:
            return []
        try:
            made = await self._embedder.embed([document.text[:CHARACTERS] for document in documents])
            return list(zip(documents, made, strict=True))
        except Refused as refused:
            if len(documents) == 1:
                log.warning("embedding.refused", code=refused.code)
                return []
        each = [await self._vectors([document]) for document in documents]
        return [one for some in each for one in some]

    async def nearest(self, user: str, text: str) -> list[Key]:
        """Things of this user that mean something like this text, the nearest first; none when that can't be known now."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                (vector,) = await self._embedder.embed([text[:CHARACTERS]])
        except (TimeoutError, Busy, Refused) as fault:
            log.warning("recall.left_out", code=getattr(fault, "code", "timeout"))
            return []
        index = self._index
        if index is not None:
            nearest = await self._store.read(lambda connection: index.nearest(connection, user, vector, NEAR))
            if nearest is not None:
                return [(kind, seq) for kind, seq, likeness in nearest if likeness >= LEAST_LIKENESS]
        held = await self._of(user)
        return await asyncio.to_thread(_nearest, held, vector)

    async def _of(self, user: str) -> Held:
        now = asyncio.get_running_loop().time()
        held = self._held.get(user)
        if held is None or held.at < now - HELD_SECONDS:
            keys, vectors = await self._store.read(lambda connection: embeddings.of_user(connection, user, LOOKED_AT))
            held = self._held[user] = Held(keys, _matrix(vectors), now)
        self._held.move_to_end(user)
        while len(self._held) > 1 and sum(one.matrix.nbytes for one in self._held.values()) > HELD_BYTES:
            self._held.popitem(last=False)
        return held


def _matrix(vectors: Sequence[bytes]) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    return np.frombuffer(b"".join(vectors), dtype="<f4").reshape(len(vectors), -1) if vectors else np.zeros((0, 0), "<f4")


def _nearest(held: Held, vector: bytes) -> list[Key]:
    asked = np.frombuffer(vector, dtype="<f4")
    if held.matrix.shape[1] != asked.shape[0]:
        return []
    likeness = held.matrix @ asked
    best = np.argsort(-likeness)[:NEAR]
    return [held.keys[place] for place in best if likeness[place] >= LEAST_LIKENESS]
