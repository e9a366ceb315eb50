"""Who is connected: what opened and closed at this gateway, told to memory in batches (M008)."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice

import structlog

from shared.bus import Bus
from shared.contract.memory import RECORD_PRESENCE, PresenceChange, RecordPresence
from shared.errors import Fault
from shared.ids import new_id

log: structlog.stdlib.BoundLogger = structlog.get_logger()

BATCH_SECONDS = 1.0
ALIVE_SECONDS = 10.0
TELL_SECONDS = 5.0
FAREWELL_SECONDS = 0.5
MAX_CHANGES = 1_000
"""In one report: about 300 KiB, well below the largest message of the bus."""
MAX_WAITING = 50_000
"""Changes kept while memory is away. What is lost then is who was connected meanwhile."""


class Presence:
    """Collects changes, the newest one for each session."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._changes: dict[str, PresenceChange] = {}
        self._changed = asyncio.Event()

    @contextmanager
    def session(self, user: str, device: str | None) -> Generator[None]:
        """A stream or socket of this user while it is open."""
        opened = PresenceChange(user=user, session_id=new_id("s"), device=device, connected_at=datetime.now(UTC), active=True)
        self._note(opened)
        try:
            yield
        finally:
            self._note(opened.model_copy(update={"active": False}))

    async def report(self, bus: Bus) -> None:
        """Tells memory for ever: soon after something changed, and as a sign of life."""
        loop = asyncio.get_running_loop()
        told = loop.time()
        while True:
            try:
                async with asyncio.timeout_at(told + ALIVE_SECONDS):
                    await self._changed.wait()
                await asyncio.sleep(BATCH_SECONDS)
            except TimeoutError:
                pass
            await self._tell(bus)
            told = loop.time()

    async def farewell(self, bus: Bus) -> None:
        """Tells memory that everybody has left, if it is still there to hear it."""
        await self._tell(bus, FAREWELL_SECONDS)

    async def _tell(self, bus: Bus, seconds: float = TELL_SECONDS) -> None:
        changes = dict(islice(self._changes.items(), MAX_CHANGES))
        try:
            report = RecordPresence(gateway=self._gateway, changes=list(changes.values()))
            await bus.ask(RECORD_PRESENCE, report, timeout=seconds)
        except Fault as fault:
            log.info("presence.not_recorded", code=fault.code, changes=len(changes))
            return
        for session, change in changes.items():
            if self._changes.get(session) is change:
                del self._changes[session]
        if not self._changes:
            self._changed.clear()

    def _note(self, change: PresenceChange) -> None:
        if len(self._changes) < MAX_WAITING or change.session_id in self._changes:
            self._changes[change.session_id] = change
            self._changed.set()
