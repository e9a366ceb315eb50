"""Carries the ends of the audit's chains out of the database, every few minutes: who cuts a chain off later is found out."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from memory.audit import AnchoredHead, Head, anchor_line, who
from memory.clock import Clock
from memory.ports import Anchors, Store
from memory.records import audit
from memory.settings import MemorySettings
from shared.errors import Fault

log: structlog.stdlib.BoundLogger = structlog.get_logger()

AT_ONCE = 10_000
"""Chains in one line of the file; the others come with the next one."""


def anchor_path(settings: MemorySettings) -> Path | None:
    """The file of anchors, or None when there is none."""
    if settings.audit_anchor != "beside":
        return Path(settings.audit_anchor) if settings.audit_anchor else None
    database = make_url(settings.database_url)
    if database.get_backend_name() != "sqlite" or not database.database:
        return None
    return Path(database.database).absolute().with_name("audit.anchors")


class Anchoring:
    """Runs for as long as memory does."""

    def __init__(self, store: Store, anchors: Anchors | None, settings: MemorySettings, clock: Clock) -> None:
        self._store, self._anchors, self._clock = store, anchors, clock
        self._key = settings.audit_key.get_secret_value().encode()
        self._seconds = settings.audit_anchor_minutes * 60

    async def run(self) -> None:
        """Anchors for ever. A database or a disk in trouble is tried again at the next turn."""
        while True:
            await asyncio.sleep(self._seconds)
            try:
                while await self.anchor() == AT_ONCE:
                    pass
            except Fault as fault:
                log.warning("audit.not_anchored", code=fault.code)
            except OSError as error:
                log.warning("audit.not_anchored", code=error.strerror)

    async def anchor(self) -> int:
        """Anchors what is new; says how many chains that was."""
        heads, anchored = await self._store.read(self._grown)
        if not heads:
            return 0
        seal = await asyncio.to_thread(self._keep, anchored)
        await self._store.write(lambda c: audit.anchored(c, [(user, head.count) for user, head in heads]))
        # The seal stands for the whole file up to here: kept with the logs, it shows that no line was taken off the end.
        log.info("audit.anchored", chains=len(heads), rows=sum(head.count for _, head in heads), seal=seal)
        return len(heads)

    def _grown(self, connection: Connection) -> tuple[Sequence[tuple[str, Head]], list[AnchoredHead]]:
        heads = audit.unanchored(connection, AT_ONCE)
        whom = {user: who(self._key, user) for user, _ in heads}
        return heads, [
            AnchoredHead(whom[user], audit.lives(connection, whom[user]), head.count, head.mac.hex()) for user, head in heads
        ]

    def _keep(self, heads: list[AnchoredHead]) -> str:
        seal = ""

        def line(previous: str) -> dict[str, object]:
            nonlocal seal
            made = anchor_line(self._key, self._clock.now().isoformat(), heads, sum(head.count for head in heads), previous)
            seal = made["mac"]
            return made

        if self._anchors is None:
            line("")
        else:
            self._anchors.append(line)
        return seal
