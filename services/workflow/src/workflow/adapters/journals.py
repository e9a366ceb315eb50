"""Journals on the stream `JOURNAL`, one subject each, every page fenced by the sequence of the one before."""

from hashlib import sha256

from pydantic import ValidationError

from shared.bus import Bus, Fenced
from shared.contract import subjects
from shared.contract.journal import JournalPage
from shared.errors import Unavailable
from shared.ids import new_id
from workflow.ports import FromTheFuture, Overtaken

PIECE_BYTES = 512 * 1024


class StreamJournals:
    """See `workflow.ports.Journals`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def read(self, user: str, workflow_id: str, after: int) -> list[tuple[int, JournalPage, int]]:
        """See the port."""
        entries = await self._bus.read(subjects.journal(user, workflow_id), after=after)
        return [(sequence, _page(data), len(data)) for sequence, _, data in entries]

    async def append(self, page: JournalPage, expect: int) -> tuple[int, int]:
        """See the port."""
        data = page.encode()
        try:
            stored = await self._bus.store(subjects.journal(page.user, page.workflow_id), data, expect=expect)
        except Fenced:
            raise Overtaken from None
        return stored.sequence, len(data)

    async def newest(self, user: str) -> list[JournalPage]:
        """See the port."""
        entries = await self._bus.newest(await self._bus.subjects(subjects.journals_of(user)))
        return [_page(data) for _, _, data in entries]

    async def stow(self, user: str, workflow_id: str, data: bytes) -> str:
        """See the port. The name says how long it is, and what: it is whole, or nobody takes it for that (F38)."""
        name = f"{new_id('e')}-{len(data)}-{sha256(data).hexdigest()[:32]}"
        subject = subjects.cargo(user, workflow_id, name)
        for start in range(0, len(data), PIECE_BYTES):
            await self._bus.store(subject, data[start : start + PIECE_BYTES], msg_id=f"{name}.{start}")
        return name

    async def fetch(self, user: str, workflow_id: str, name: str) -> bytes:
        """See the port."""
        pieces = await self._bus.read(subjects.cargo(user, workflow_id, name))
        data = b"".join(piece for _, _, piece in pieces)
        if name.rpartition("-")[2] != sha256(data).hexdigest()[:32]:
            raise Unavailable("A long result is not there.")
        return data

    async def forget(self, user: str, workflow_id: str) -> None:
        """See the port."""
        await self._bus.erase(subjects.cargo(user, workflow_id))
        await self._bus.erase(subjects.journal(user, workflow_id))


def _page(data: bytes) -> JournalPage:
    try:
        return JournalPage.decode(data)
    except ValidationError:
        raise FromTheFuture from None
