"""The workflow `calendar_sync`: brings entries over from a calendar server, and takes away what has vanished there.

Work in the background, again and again (preference `calendarSync`). Entries are known by their id there, so that each is kept
once; what the person has entered here is never touched. After a change it looks for journeys.
"""

from datetime import timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import Field

from shared.contract.base import Message
from shared.contract.person import CalendarEvent
from shared.contract.state import DeleteEvent, KeepEvent, ListEvents
from shared.contract.tools import Tool
from shared.errors import Refused, UnknownEvent
from workflow.definition import Definition, workflow
from workflow.jobs import day
from workflow.jobs.calendars import Fetched, Window, changes, fetched, next_of
from workflow.jobs.keys import operation_id
from workflow.jobs.ports import Ports
from workflow.jobs.tooling import arguments_for, tool_for, value_of
from workflow.jobs.travel_detection import detect
from workflow.retries import Retries
from workflow.step import Attempt, Step

ASKING: Final = Retries(limit=3, delay=5.0)
KEEP: Final = timedelta(days=1)
BACK: Final = timedelta(days=1)
AT_ONCE: Final = 25
"""Entries that one step keeps."""

MOST_PAGES: Final = 10
PAGE: Final = 200


class Sync(Message):
    """How many days ahead."""

    days: int = Field(default=60, ge=1, le=366)


def calendar_sync(ports: Ports, named: str | None = None) -> Definition:
    """The workflow. `named`: the tool that the operator has named, if any."""

    @workflow("calendar_sync", warm_only=True, keep=KEEP)
    async def sync(step: Step, params: Sync) -> dict[str, Any]:
        now = await step.now()
        window = Window((now - BACK).replace(microsecond=0), (now + timedelta(days=params.days)).replace(microsecond=0))
        plan = await step.do("compare", partial(_compare, ports, named, window), retries=ASKING)
        kept = 0
        for first in range(0, len(plan["keep"]), AT_ONCE):
            some = plan["keep"][first : first + AT_ONCE]
            kept += await step.do("keep", partial(_keep, ports, some))
        gone = plan["remove"]
        removed = await step.do("remove", partial(_remove, ports, gone)) if gone else 0
        journeys = await detect(step, ports) if kept or removed else 0
        return {"kept": kept, "removed": removed, "unchanged": plan["unchanged"], "journeys": journeys}

    return sync


async def _compare(ports: Ports, named: str | None, window: Window, attempt: Attempt) -> dict[str, Any]:
    """What there is to do: the entries of both sides are compared here, and only differences are recorded."""
    user = attempt.about.user
    zone = day.zone_of((await ports.memory.preferences(user)).preferences.get("timezone"))
    tool = tool_for("calendar", await ports.tools.offered(attempt.about), named)
    found = await _fetch(ports, tool, window, zone, attempt)
    return changes(found, await _known(ports, user, window), f"{tool.server}:", window)


async def _fetch(ports: Ports, tool: Tool, window: Window, zone: ZoneInfo, attempt: Attempt) -> Fetched:
    """Page by page, where the tool has pages and can be asked for the next one."""
    read: list[dict[str, Any]] = []
    wanted: dict[str, Any] = {"start": window.start.isoformat(), "end": window.end.isoformat()}
    for _ in range(MOST_PAGES):
        result = value_of(await ports.tools.call(attempt, tool.name, arguments_for(tool, wanted)))
        page = fetched(result, f"{tool.server}:", zone)
        read += page.entries
        following = next_of(result)
        if following is None or not page.complete:
            return Fetched(read, complete=page.complete)
        wanted["cursor"] = following
        if following not in arguments_for(tool, wanted).values():
            break
    return Fetched(read, complete=False)


async def _known(ports: Ports, user: str, window: Window) -> list[CalendarEvent]:
    events: list[CalendarEvent] = []
    cursor = None
    while True:
        question = ListEvents(user=user, start=window.start, end=window.end, limit=PAGE, cursor=cursor, travel=False)
        page = await ports.memory.events(question)
        events += page.events
        cursor = page.next
        if cursor is None:
            return events


async def _keep(ports: Ports, entries: list[dict[str, Any]], attempt: Attempt) -> int:
    """How many could be kept: one that memory refuses does not keep out the others."""
    count = 0
    for entry in entries:
        order = KeepEvent(
            user=attempt.about.user, operation_id=operation_id(attempt.key, entry["externalId"]), **_fields(entry)
        )
        try:
            await ports.memory.keep_event(order)
            count += 1
        except Refused:
            continue
    return count


def _fields(entry: dict[str, Any]) -> dict[str, Any]:
    names = ("title", "start", "end", "description", "location")
    return {"external_id": entry["externalId"], **{name: entry.get(name) for name in names}}


async def _remove(ports: Ports, ids: list[str], attempt: Attempt) -> int:
    for event_id in ids:
        order = DeleteEvent(user=attempt.about.user, operation_id=operation_id(attempt.key, event_id), event_id=event_id)
        try:
            await ports.memory.delete_event(order)
        except UnknownEvent:
            continue
    return len(ids)
