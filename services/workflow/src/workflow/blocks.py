"""What the branches of a workflow wait for, as values; and when they may go on."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from shared.contract.journal import RestStatus, RunRested
from workflow.history import History


@dataclass(slots=True, eq=False)
class Block:
    """One branch that waits. `future` is the id of the event that it waited for, or None."""

    step: str
    until: datetime | None = None
    event: str | None = None
    future: asyncio.Future[str | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


def release(blocks: list[Block], history: History, given: set[str], now: datetime) -> list[Block]:
    """Lets go on whoever may; returns who still has to wait. The first of two takes the event; an event comes before time.

    `given` are the events that were handed out here; those of now are added.
    """
    if history.standing.paused:
        return blocks
    free = {event_id: event for event_id, event in history.events.items() if event_id not in given}
    left: list[Block] = []
    for block in [block for block in blocks if not block.future.done()]:
        event = next((event_id for event_id, event in free.items() if event.type == block.event), None)
        if event is not None:
            del free[event]
            given.add(event)
        elif block.until is None and block.event is None:
            pass  # it waited for the workflow to be resumed
        elif block.until is None or block.until > now:
            left.append(block)
            continue
        block.future.set_result(event)
    return left


def next_moment(blocks: Iterable[Block]) -> datetime | None:
    """When the first of them may go on by itself."""
    return min((block.until for block in blocks if block.until is not None), default=None)


def resting(blocks: Iterable[Block], history: History, now: datetime) -> RunRested:
    """The line with which a worker lets go."""
    blocks = list(blocks)
    if history.standing.paused:
        return RunRested(at=now, status="paused")
    status: RestStatus = "waiting" if any(block.event for block in blocks) else "sleeping"
    return RunRested(at=now, status=status, wake_at=next_moment(blocks))
