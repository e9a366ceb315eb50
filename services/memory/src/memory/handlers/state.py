"""The state of a user as a whole, or what has changed of it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from memory import portion
from memory.clock import micros, moment
from memory.handlers.reading import REPORT_AGE, Snapshot
from memory.message import fitting
from memory.note import brief
from memory.paging import bounded
from memory.portion import Basket, Portion
from memory.records import (
    approvals,
    calendar,
    conversations,
    log,
    memories,
    messages,
    notes,
    personas,
    plans,
    preferences,
    presence,
    tasks,
    trips,
    users,
)
from memory.records.users import Standing
from memory.since import Moment, parse_since, version_at
from shared.contract.objects import ChatMessage, Conversation
from shared.contract.person import CalendarEvent, Note, Persona, PinnedMemory, Plan, Task
from shared.contract.state import GetState, Preferences, Removed, State
from shared.contract.trip import Trip

RECENT: Final = timedelta(days=1)
"""A calendar entry that ended longer ago is not shown with the whole state."""

_FIELDS: Final = {"memories": "pinned_memories"}
"""Kinds of objects that the state has under another name."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to show, each list with one more than may be shown if there are more. Messages are newest first."""

    conversations: Sequence[Conversation]
    messages: Sequence[ChatMessage]
    tasks: Sequence[Task]
    notes: Sequence[Note]
    memories: Sequence[PinnedMemory]
    preferences: dict[str, Any] | None
    calendar: Sequence[CalendarEvent]
    plans: Sequence[Plan]
    personas: Sequence[Persona]
    trips: Sequence[Trip]


def get_state(view: Snapshot, question: GetState) -> State:
    """Everything of a user that is shown at once, or only what has changed. What has changed is whole too when it can't be told
    (`since` is later than the state, or removals of that time are forgotten), and when it doesn't fit into one answer.
    """
    standing = users.standing(view.connection, question.user)
    since = None if question.since is None else _since(view, question.user, question.since, standing)
    return _changes(view, question, standing, since) or _whole(view, question, standing)


def _since(view: Snapshot, user: str, text: str, standing: Standing) -> int | None:
    """The version after which all changes are told, or None when they can't be."""
    since = parse_since(text)
    if isinstance(since, Moment):
        since = _version_at(view, user, since, standing)
    return since if since is not None and standing.forgotten <= since <= standing.version else None


def _version_at(view: Snapshot, user: str, at: Moment, standing: Standing) -> int | None:
    if standing.latest and at.at >= standing.latest:
        return standing.version
    dates = partial(log.moment_of, view.connection, user)
    found = version_at(at, range(standing.forgotten + 1, standing.version + 1), dates)
    if found > standing.forgotten or not found:
        return found
    # The first change that is known of came later; whether one that is not known of did too, only its own moment could tell.
    dated = dates(found)
    return found if dated is not None and dated[0] == found and 0 < dated[1] <= at.at else None


def _whole(view: Snapshot, question: GetState, standing: Standing) -> State:
    connection, user = view.connection, question.user
    upcoming = micros(view.at - RECENT), calendar.END
    listed = conversations.page(connection, user, None, portion.CONVERSATIONS.most)
    found = Found(
        [conversation for conversation, _ in listed],
        messages.newest(connection, user, bounded(question.limit)),
        [
            *tasks.with_status(connection, user, "open", portion.TASKS.most),
            *tasks.with_status(connection, user, "completed", portion.COMPLETED_TASKS),
        ],
        notes.changed_since(connection, user, -1, portion.NOTES.most),
        memories.page(connection, user, None, portion.MEMORIES.most),
        preferences.of(connection, user),
        calendar.page(connection, user, upcoming, None, portion.CALENDAR.most),
        plans.changed_since(connection, user, -1, portion.PLANS.most),
        personas.all_of(connection, user),
        trips.since_day(connection, user, _yesterday(view), portion.TRIPS.most),
    )
    return _state(view, question, standing, found, Basket())


def _yesterday(view: Snapshot) -> str:
    return (view.at - RECENT).date().isoformat()


def _changes(view: Snapshot, question: GetState, standing: Standing, since: int | None) -> State | None:
    """What has changed since this version, or None when that is too much."""
    connection, user, limit = view.connection, question.user, bounded(question.limit)
    if since is None or messages.more_changed(connection, user, since, limit):
        return None
    basket = Basket()
    removed = _removed(view, user, since, basket)
    found = Found(
        conversations.changed_since(connection, user, since, portion.CONVERSATIONS.most + 1),
        messages.changed_since(connection, user, since, limit + 1),
        tasks.changed_since(connection, user, since, portion.TASKS.most + 1),
        notes.changed_since(connection, user, since, portion.NOTES.most + 1),
        memories.changed_since(connection, user, since, portion.MEMORIES.most + 1),
        preferences.changed_since(connection, user, since),
        calendar.changed_since(connection, user, since, portion.CALENDAR.most + 1),
        plans.changed_since(connection, user, since, portion.PLANS.most + 1),
        personas.changed_since(connection, user, since, portion.PERSONAS.most + 1),
        trips.changed_since(connection, user, since, portion.TRIPS.most + 1),
    )
    state = _state(view, question, standing, found, basket)
    return None if basket.overflown else state.model_copy(update={"since": since, "removed": removed})


def _removed(view: Snapshot, user: str, since: int, basket: Basket) -> Removed:
    found = log.removed_since(view.connection, user, since, portion.REMOVED.most + 1)
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for kind, object_id in found:
        field = _FIELDS.get(kind, kind)
        if field in Removed.model_fields:
            ids[field].append(object_id)
    return next(iter(basket.take([Removed(**ids)], _removal(len(found)))), Removed())


def _removal(count: int) -> Portion:
    """All removals are one object, so how many they are is looked at here."""
    return portion.REMOVED if count <= portion.REMOVED.most else Portion(0, 0)


def _state(view: Snapshot, question: GetState, standing: Standing, found: Found, basket: Basket) -> State:
    reported = micros(view.at - REPORT_AGE)
    sessions = presence.active(view.connection, question.user, reported, portion.SESSIONS.most)
    basket.room -= len(Preferences(preferences=found.preferences or {}).encode())
    lists: dict[str, Any] = {
        "conversations": basket.take(found.conversations, portion.CONVERSATIONS),
        "tasks": basket.take(found.tasks, portion.TASKS),
        "notes": basket.take([brief(note) for note in found.notes], portion.NOTES),
        "pinned_memories": basket.take(found.memories, portion.MEMORIES),
        "calendar": basket.take(found.calendar, portion.CALENDAR),
        "plan": {plan.date: plan.wire() for plan in basket.take(found.plans, portion.PLANS)},
        "personas": basket.take(found.personas, portion.PERSONAS),
        "trips": basket.take(found.trips, portion.TRIPS),
        "approvals": basket.take(approvals.shown(view.connection, question.user, portion.APPROVALS.most), portion.APPROVALS),
        "active_sessions": basket.take(sessions, portion.SESSIONS),
    }
    return State(
        user_id=question.user,
        version=standing.version,
        preferences=found.preferences,
        **lists,
        messages=_messages(found.messages, bounded(question.limit), view.limits.page_bytes, basket),
        last_snapshot_ts=moment(standing.latest) if standing.latest else view.at,
    )


def _messages(newest_first: Sequence[ChatMessage], limit: int, page_bytes: int, basket: Basket) -> list[ChatMessage]:
    """The newest ones that fit into what is left, oldest first."""
    page = fitting(newest_first, limit, min(page_bytes, basket.room))
    if len(page) == 1 and len(page[0].encode()) > basket.room:
        page = []
    basket.overflown = basket.overflown or len(page) < len(newest_first)
    return page
