"""Who is connected: what opened and closed at this gateway, told to memory in batches (M008)."""

import asyncio
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """An open stream or socket. There may be ten thousand: four fields, and no model until it is told."""

    user: str
    device: str | None
    id: str
    connected_at: datetime

    def change(self, *, active: bool) -> PresenceChange:
        """What memory is told of it."""
        return PresenceChange(
            user=self.user, session_id=self.id, device=self.device, connected_at=self.connected_at, active=active
        )


class Presence:
    """Collects changes, the newest one for each session."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._changes: dict[Session, bool] = {}
        self._changed = asyncio.Event()

    def opened(self, user: str, device: str | None) -> Session:
        """A stream or socket of this user is open, until it is told to be `closed`."""
        session = Session(user, device, new_id("s"), datetime.now(UTC))
        self._note(session, active=True)
        return session

    def closed(self, session: Session) -> None:
        """It is not open any more."""
        self._note(session, active=False)

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
        told = [session.change(active=active) for session, active in changes.items()]
        try:
            await bus.ask(RECORD_PRESENCE, RecordPresence(gateway=self._gateway, changes=told), timeout=seconds)
        except Fault as fault:
            log.info("presence.not_recorded", code=fault.code, changes=len(changes))
            return
        for session, active in changes.items():
            if self._changes.get(session) is active:
                del self._changes[session]
        if not self._changes:
            self._changed.clear()

    def _note(self, session: Session, *, active: bool) -> None:
        if len(self._changes) < MAX_WAITING or session in self._changes:
            self._changes[session] = active
            self._changed.set()
