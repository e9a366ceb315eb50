"""Orders and timers on the stream `RUNS`, events on the user's feed, signals to whoever listens."""

import asyncio
from datetime import datetime

from shared.bus import Bus, Stored
from shared.contract import subjects
from shared.contract.events import WorkflowUpdated
from shared.contract.workflow import JournalGrew, JournalPage, Ring, Wake
from shared.ids import NewId
from workflow.history import STEP_LINES
from workflow.view import step_status


class BusPost:
    """See `workflow.ports.Post`."""

    def __init__(self, bus: Bus, new_id: NewId) -> None:
        self._bus = bus
        self._new_id = new_id

    def wake(self, order: Wake) -> asyncio.Future[Stored]:
        """See the port."""
        subject = subjects.run(order.user, order.workflow_id)
        return self._bus.storing(subject, order.encode(), msg_id=self._new_id("e"))

    def wake_at(self, order: Wake, at: datetime) -> asyncio.Future[Stored]:
        """See the port."""
        user, workflow_id = order.user, order.workflow_id
        target = subjects.run(user, workflow_id)
        return self._bus.schedule(subjects.timer(user, workflow_id), order.encode(), at=at, target=target)

    def ring_at(self, order: Ring, at: datetime) -> asyncio.Future[Stored]:
        """See the port."""
        user, schedule_id = order.user, order.schedule_id
        target = subjects.tick(user, schedule_id)
        return self._bus.schedule(subjects.alarm(user, schedule_id), order.encode(), at=at, target=target)

    def tell(self, page: JournalPage, sequence: int) -> asyncio.Future[Stored]:
        """See the port."""
        event = updated(page, f"e_{page.workflow_id}_{sequence}")
        subject = subjects.workflow_event(page.user, page.workflow_id)
        return self._bus.storing(subject, event.encode(), type=event.type_name, msg_id=f"JOURNAL-{sequence}")

    async def grew(self, user: str, workflow_id: str) -> None:
        """See the port."""
        await self._bus.tell(subjects.JOURNAL_SIGNAL, JournalGrew(user=user, workflow_id=workflow_id))

    async def is_pending(self, user: str, workflow_id: str, order: int) -> bool:
        """See the port."""
        return await self._bus.exists(subjects.run(user, workflow_id), order)


def updated(page: JournalPage, event_id: str) -> WorkflowUpdated:
    """What a page means to its reader: the status, and the step that it is about last."""
    last = next((line for line in reversed(page.lines) if isinstance(line, STEP_LINES)), None)
    return WorkflowUpdated(
        id=event_id,
        at=page.lines[-1].at,
        workflow_id=page.workflow_id,
        type=page.type,
        status=page.status,
        step=last.step if last else None,
        step_status=step_status(last) if last else None,
    )
