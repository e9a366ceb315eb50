"""Erasing stored messages so that their bytes are gone from the disk too, not only marked as deleted (S16)."""

import asyncio
import json

from shared.asking import Asker, Reply
from shared.contract.streams import MIB, stream_of
from shared.contract.subjects import Subject
from shared.errors import Unavailable
from shared.publishing import PASSING
from shared.reading import Reader

# Measured on nats-server 2.15.1: a purge by subject leaves every byte in the block files, also after a restart. Deleting a
# message without `no_erase` overwrites it with noise at once; with `sync_interval: always` that takes 2 ms.

BATCH, BATCH_BYTES = 200, 4 * MIB
AT_ONCE = 8
"""Deletions under way: the stream does them one after the other, and whoever publishes waits in between."""

PASSES = 5
TIMEOUT_SECONDS = 5.0
AGAIN_SECONDS = 0.1
GONE = 404


class Eraser:
    """Overwrites what streams hold."""

    def __init__(self, asker: Asker, reader: Reader) -> None:
        self._asker, self._reader = asker, reader

    async def erase(self, trace: Subject) -> int:
        """Erases every message of this subject or filter, until none is found; answers how many. Raises Unavailable."""
        count = 0
        for _ in range(PASSES):
            found = await self._pass(trace)
            if not found:
                return count
            count += found
        raise Unavailable("Messages are still being written there.")

    async def _pass(self, trace: Subject) -> int:
        count, after = 0, 0
        while found := await self._reader.after(trace, after, limit=BATCH, max_bytes=BATCH_BYTES):
            sequences = [sequence for sequence, _, _ in found]
            for start in range(0, len(sequences), AT_ONCE):
                async with asyncio.TaskGroup() as tasks:
                    for sequence in sequences[start : start + AT_ONCE]:
                        tasks.create_task(self._delete(stream_of(trace), sequence))
            count, after = count + len(found), sequences[-1]
        return count

    async def _delete(self, stream: str, sequence: int) -> None:
        subject, question = f"$JS.API.STREAM.MSG.DELETE.{stream}".encode(), b'{"seq":%d}' % sequence
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while True:
                    if _done(await self._asker.ask(subject, question, timeout=TIMEOUT_SECONDS)):
                        return
                    await asyncio.sleep(AGAIN_SECONDS)
        except TimeoutError:
            raise Unavailable from None


def _done(reply: Reply) -> bool:
    """Whether it is gone, by this or before it. Raises Unavailable when it will not pass by itself."""
    try:
        error = json.loads(reply.data).get("error")
    except ValueError:
        raise Unavailable from None
    if error is None or error.get("code") == GONE or "no message found" in str(error.get("description")):
        return True
    if error.get("err_code") in PASSING:
        return False
    raise Unavailable(f"NATS did not delete a message: {error.get('err_code')}.")
