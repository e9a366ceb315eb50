"""Blobs: bytes too large for a message, in pieces on the stream `BLOBS`, until they have been used.

Not JetStream's own object store: that reads through a consumer made for the occasion, which no service may make (S6), and
deletes by a purge, which leaves the bytes on the disk. Here a blob is the messages of one subject, its last one the manifest.
"""

import asyncio
from collections.abc import AsyncGenerator
from hashlib import sha256

from pydantic import ValidationError

from shared.bus import Bus, Stored
from shared.contract.base import Message
from shared.contract.subjects import EVERY_BLOB, Subject, blob
from shared.errors import Refused, TooLarge

PIECE_BYTES = 256 * 1024
AT_ONCE = 4
"""Pieces under way: with the one being filled, about a MiB for each upload."""

MANIFEST, PIECE = "manifest", "piece"


class NoBlob(Refused):
    """These bytes are gone, or never came whole."""

    code, status = "no_blob", 410


class Manifest(Message):
    """The end of a blob: without it, or when it says something else, the bytes are not what was sent (F38)."""

    size: int
    pieces: int
    sha256: str


class BlobWriter:
    """Takes bytes as they come, and stores them piece by piece; never more than `limit` altogether."""

    def __init__(self, bus: Bus, subject: Subject, limit: int) -> None:
        self._bus, self._subject, self._limit = bus, subject, limit
        self._piece = bytearray()
        self._hash = sha256()
        self._pieces = 0
        self.size = 0

    async def write(self, data: bytes) -> None:
        """Returns when there is room for more. Raises TooLarge, StorageFull, Unavailable."""
        self.size += len(data)
        if self.size > self._limit:
            raise TooLarge(limit=self._limit)
        self._hash.update(data)
        self._piece += data
        if len(self._piece) >= AT_ONCE * PIECE_BYTES:
            await self._flush(whole=False)

    async def close(self) -> str:
        """Stores what is left, and the manifest; answers with the digest of all."""
        await self._flush(whole=True)
        digest = self._hash.hexdigest()
        manifest = Manifest(size=self.size, pieces=self._pieces, sha256=digest)
        await self._bus.store(self._subject, manifest.encode(), type=MANIFEST)
        return digest

    async def _flush(self, *, whole: bool) -> None:
        """Sent one right after the other, so that they are stored in that order; then all are waited for."""
        end = len(self._piece) if whole else len(self._piece) // PIECE_BYTES * PIECE_BYTES
        pieces = [bytes(self._piece[start : min(start + PIECE_BYTES, end)]) for start in range(0, end, PIECE_BYTES)]
        del self._piece[:end]
        first, self._pieces = self._pieces, self._pieces + len(pieces)
        numbered = enumerate(pieces, start=first)
        await asyncio.gather(*(self._store(piece, number) for number, piece in numbered))

    def _store(self, piece: bytes, number: int) -> asyncio.Future[Stored]:
        return self._bus.storing(self._subject, piece, type=PIECE, msg_id=f"{self._subject}.{number}")


class Blobs:
    """The blobs of one process's bus."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def writer(self, user: str, blob_id: str, limit: int) -> BlobWriter:
        """Something to write a new blob with."""
        return BlobWriter(self._bus, blob(user, blob_id), limit)

    async def read(self, user: str, blob_id: str) -> AsyncGenerator[bytes, None]:
        """Its bytes, piece by piece. Raises NoBlob, at the end too: until then nobody knows whether they are whole."""
        subject, after = blob(user, blob_id), 0
        digest, count = sha256(), 0
        while found := await self._bus.some(subject, after=after, limit=AT_ONCE):
            for sequence, kind, data in found:
                after = sequence
                if kind == MANIFEST.encode():
                    _check(data, count, digest.hexdigest())
                    return
                digest.update(data)
                count += 1
                yield data
        raise NoBlob

    async def erase(self, user: str, blob_id: str) -> int:
        """Overwrites it; answers how many messages it was. Erasing twice does no harm."""
        return await self._bus.erase(blob(user, blob_id))

    async def erase_subject(self, subject: Subject) -> int:
        """The same for a blob that `everything` has found."""
        return await self._bus.erase(subject)

    async def everything(self) -> dict[str, Subject]:
        """Every blob there is, by its id."""
        return {subject.split(".")[1]: subject for subject in await self._bus.subjects(EVERY_BLOB)}


def _check(data: bytes, pieces: int, digest: str) -> None:
    try:
        manifest = Manifest.decode(data)
    except ValidationError:
        raise NoBlob from None
    if (manifest.pieces, manifest.sha256) != (pieces, digest):
        raise NoBlob
