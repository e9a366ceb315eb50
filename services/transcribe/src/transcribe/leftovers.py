"""Audio that nobody needs any more is erased, whoever should have done it."""

import asyncio
from typing import Final

import structlog

from shared.blobs import Blobs
from shared.bus import Bus
from shared.contract.speech import SIFT_TRANSCRIPTS, SiftTranscripts
from shared.errors import Fault
from transcribe import metrics

log: structlog.stdlib.BoundLogger = structlog.get_logger()

AT_ONCE: Final = 500


class Leftovers:
    """Looks at every blob twice, a sweep apart: one that is still being uploaded has no transcript yet."""

    def __init__(self, bus: Bus, every_seconds: float) -> None:
        self._bus, self._blobs = bus, Blobs(bus)
        self._seconds = every_seconds
        self._seen: set[str] = set()

    async def run(self) -> None:
        """For ever. What fails is tried again at the next turn."""
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.sweep()
            except Fault as fault:
                log.warning("leftovers.failed", code=fault.code)

    async def sweep(self) -> int:
        """Erases what was there a sweep ago and belongs to no transcript that is still to be made; answers how many."""
        blobs = await self._blobs.everything()
        old = [blob for blob in blobs if blob in self._seen][:AT_ONCE]
        self._seen = set(blobs)
        if not old:
            return 0
        needed = set((await self._bus.ask(SIFT_TRANSCRIPTS, SiftTranscripts(ids=old))).ids)
        left = [blob for blob in old if blob not in needed]
        for blob in left:
            await self._blobs.erase_subject(blobs[blob])
        if left:
            metrics.ERASED.inc(len(left))
            log.info("leftovers.erased", count=len(left))
        return len(left)
