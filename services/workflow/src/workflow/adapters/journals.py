"""Journals on the stream `JOURNAL`, one subject each, every page fenced by the sequence of the one before."""

from pydantic import ValidationError

from shared.bus import Bus, Fenced
from shared.contract import subjects
from shared.contract.workflow import JournalPage
from workflow.ports import FromTheFuture, Overtaken


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

    async def forget(self, user: str, workflow_id: str) -> None:
        """See the port."""
        await self._bus.erase(subjects.journal(user, workflow_id))


def _page(data: bytes) -> JournalPage:
    try:
        return JournalPage.decode(data)
    except ValidationError:
        raise FromTheFuture from None
