"""A post without NATS that remembers what it was given, for tests; it fails when it is told to."""

import asyncio
import re
from dataclasses import dataclass

from shared.bus import Stored
from shared.contract.base import Message
from shared.contract.event import Event
from shared.contract.events import EVENTS
from shared.contract.inference import Digest, Generate
from shared.contract.subjects import Subject
from shared.errors import Fault


@dataclass(frozen=True, slots=True)
class Posted:
    """One stored message."""

    subject: Subject
    type: str
    data: bytes
    id: str | None


class RememberedPost:
    """See `ports.Post`. Drops what it already has, as the stream does."""

    def __init__(self) -> None:
        self.stored: list[Posted] = []
        self.told: list[tuple[Subject, Message]] = []
        self.fault: Fault | None = None
        self.refused: dict[str, Fault] = {}
        """Faults by event name, for those only."""

    def storing(self, subject: Subject, data: bytes, *, type: str, msg_id: str) -> asyncio.Future[Stored]:  # noqa: A002
        """`store`, begun at the next turn of the loop."""
        return asyncio.ensure_future(self.store(subject, data, type=type, msg_id=msg_id))

    async def store(self, subject: Subject, data: bytes, *, type: str = "", msg_id: str | None = None) -> Stored:  # noqa: A002
        """Remembers it, or fails."""
        fault = self.fault or self.refused.get(type)
        if fault is not None:
            raise fault
        if any(posted.id == msg_id for posted in self.stored):
            return Stored(0, duplicate=True)
        self.stored.append(Posted(subject, type, data, msg_id))
        return Stored(len(self.stored))

    async def tell(self, subject: Subject, message: Message) -> None:
        """Remembers it, or fails."""
        if self.fault is not None:
            raise self.fault
        self.told.append((subject, message))

    async def read(self, subject: Subject) -> list[tuple[int, bytes, bytes]]:
        """What was stored there, or fails."""
        if self.fault is not None:
            raise self.fault
        found = [(number, posted) for number, posted in enumerate(self.stored, 1) if _matches(subject, posted)]
        return [(number, posted.type.encode(), posted.data) for number, posted in found]

    async def erase(self, trace: Subject) -> int:
        """Forgets what was stored there, or fails."""
        if self.fault is not None:
            raise self.fault
        kept = [posted for posted in self.stored if not _matches(trace, posted)]
        count, self.stored = len(self.stored) - len(kept), kept
        return count

    def events(self) -> list[Event]:
        """Every fact that was stored, in order."""
        return [EVENTS[posted.type].decode(posted.data) for posted in self.stored if posted.type]

    def orders(self) -> list[str]:
        """The generations that were ordered, in order."""
        return [Generate.decode(data).generation_id for data in self._orders("generate")]

    def digests(self) -> list[Digest]:
        """The digests that were ordered, in order."""
        return [Digest.decode(data) for data in self._orders("digest")]

    def _orders(self, queue: str) -> list[bytes]:
        return [posted.data for posted in self.stored if posted.subject.startswith(f"job.{queue}.")]


def _matches(pattern: Subject, posted: Posted) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", "[^.]+").replace(">", ".+"), posted.subject) is not None
