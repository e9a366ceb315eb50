"""Orders and timers on the stream `RUNS`, events on the user's feed, signals to whoever listens."""

import asyncio
from datetime import datetime
from typing import Any

from shared.bus import Bus, Stored
from shared.contract import subjects
from shared.contract.events import WorkflowUpdated
from shared.contract.journal import JournalPage, WorkflowStatus
from shared.contract.workflow import JournalGrew, Ring, Wake
from shared.ids import NewId
from workflow.history import STEP_LINES, StepLine, is_final
from workflow.view import step_status

ENDED_OR_RESTING = frozenset({"completed", "failed", "terminated", "sleeping", "waiting"})
"""What a page may lead to after its last step; before that it ran."""

MOST_TOLD = 15
"""Steps of one page that are told by themselves."""


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

    def tell(self, page: JournalPage, sequence: int) -> asyncio.Future[Any]:
        """See the port."""
        subject = subjects.workflow_event(page.user, page.workflow_id)
        told = [
            self._bus.storing(subject, event.encode(), type=event.type_name, msg_id=f"JOURNAL-{sequence}{event.id[-2:]}")
            for event in updates(page, f"e_{page.workflow_id}_{sequence}")
        ]
        return told[0] if len(told) == 1 else asyncio.gather(*told)

    async def grew(self, user: str, workflow_id: str) -> None:
        """See the port."""
        await self._bus.tell(subjects.JOURNAL_SIGNAL, JournalGrew(user=user, workflow_id=workflow_id))

    async def is_pending(self, user: str, workflow_id: str, order: int) -> bool:
        """See the port."""
        return await self._bus.exists(subjects.run(user, workflow_id), order)


def updates(page: JournalPage, event_id: str) -> list[WorkflowUpdated]:
    """What a page means to its reader: each step that has ended, then the status and the step that it is about last."""
    steps = [line for line in page.lines if isinstance(line, STEP_LINES)]
    before = [line for line in steps[:-1] if is_final(line)][:MOST_TOLD]
    status: WorkflowStatus = "running" if page.status in ENDED_OR_RESTING else page.status
    told = [_update(page, f"{event_id}_{number:x}", status, line) for number, line in enumerate(before)]
    return [*told, _update(page, f"{event_id}_z", page.status, steps[-1] if steps else None)]


def _update(page: JournalPage, event_id: str, status: WorkflowStatus, line: StepLine | None) -> WorkflowUpdated:
    return WorkflowUpdated(
        id=event_id,
        at=line.at if line is not None else page.lines[-1].at,
        workflow_id=page.workflow_id,
        type=page.type,
        status=status,
        step=line.step if line else None,
        step_status=step_status(line) if line else None,
    )
