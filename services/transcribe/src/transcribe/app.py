"""How speech is put together."""

import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from shared import __version__
from shared.bus import Bus
from shared.contract.speech import TRANSCRIBE
from shared.outbound import Reach, outbound
from shared.tasks import owned
from transcribe.adapters.sandboxes import nursery
from transcribe.leftovers import Leftovers
from transcribe.settings import TranscribeSettings
from transcribe.transcribing import Limits, Transcriber

GRACE_SECONDS = 1.0


@asynccontextmanager
async def application(settings: TranscribeSettings, bus: Bus) -> AsyncGenerator[None]:
    """Speech in and out while the context is open."""
    reach = Reach(frozenset(settings.url_hosts), frozenset(settings.url_origins))
    limits = Limits(settings.max_minutes * 60, settings.max_bytes)
    async with (
        outbound(reach) as client,
        nursery(settings.engine, settings.decode_memory) as sandboxes,
        owned() as tasks,
    ):
        worker = f"{socket.gethostname()}-{os.getpid()}"
        transcriber = Transcriber(bus, sandboxes, None, client, limits, worker)
        sweeping = tasks.create_task(Leftovers(bus, settings.sweep_seconds).run())
        try:
            async with (
                bus.work(TRANSCRIBE, transcriber.carry_out, transcriber.bury, slots=settings.jobs, grace=GRACE_SECONDS),
                bus.answer("transcribe", __version__, []),
            ):
                yield
        finally:
            sweeping.cancel()
