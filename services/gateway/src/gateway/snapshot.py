"""A snapshot and its place in the feed: following from there gives every later event, and none that is in it already."""

import asyncio
import json
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structlog

from gateway.partial import shown
from gateway.parts import Parts
from shared.contract.state import GET_STATE, GetState, State
from shared.contract.subjects import Scope, state_event, user_scope
from shared.feed import Cursor, Reset

log: structlog.stdlib.BoundLogger = structlog.get_logger()

WAIT_SECONDS = 2.0
"""For the events of a version that memory has, and the feed has not yet."""
SILENT_SECONDS = 0.5
"""The same when the feed has none of this user at all: they may have expired, long ago."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the feed was before memory was asked: its end, and the newest version of the user whose events it holds."""

    head: Cursor
    version: int
    sequence: int

    @property
    def cursor(self) -> Cursor:
        """Everything up to the version comes before it, everything that memory did since it was asked comes after it."""
        return Cursor(self.head.incarnation, max(self.head.sequence, self.sequence))


async def snapshot(parts: Parts, question: GetState) -> dict[str, Any]:
    """The state as clients get it, with the cursor to go on from. Raises what memory refuses it with, Unavailable."""
    place = await noted(parts, question.user)
    state = await parts.ask(GET_STATE, question)
    cursor = await place_of(parts, state, place)
    messages = await shown(parts.bus, question.user, state.messages, cursor.sequence)
    absent: dict[str, Any] = {"preferences": None if state.since is not None else {}}
    return {**absent, **state.wire(), "messages": messages, "cursor": str(cursor)}


async def noted(parts: Parts, user: str) -> Place:
    """The place of now."""
    head = await parts.feed.head(user_scope(user))
    last = await parts.bus.last(state_event(user, "version"))
    if last is None:
        return Place(head, 0, 0)
    return Place(head, json.loads(last[1])["version"], last[0])


async def place_of(parts: Parts, state: State, place: Place) -> Cursor:
    """The place of this state in the feed, where `place` was noted before it was asked for.

    The last event of each version is `state.updated`, on a subject of its own, and versions come in order: what is stored up
    to that of version V is V and older, what comes later is newer. When it does not come, the place is that of before: then
    some events may come that the snapshot has already, and none is missed.
    """
    user, version = state.user_id, state.version
    if version <= place.version or parts.silence.has(user, version):
        return place.cursor
    try:
        async with asyncio.timeout(WAIT_SECONDS if place.version else SILENT_SECONDS):
            return await _arrival(parts, state, place)
    except (TimeoutError, Reset):
        if not place.version:
            parts.silence.add(user, version)
        log.info("state.cursor_overlaps", version=version, seen=place.version)
        return place.cursor


async def _arrival(parts: Parts, state: State, place: Place) -> Cursor:
    """Where the last event of the state's version is, once it is there."""
    subject = state_event(state.user_id, "version")
    alone = Scope(user_scope(state.user_id).shard, subject)
    after = Cursor(place.head.incarnation, place.sequence)
    if not place.version:  # nothing of it is older than this; the beginning of the stream may be gone
        after = place.head
    async with aclosing(parts.feed.follow(alone, after)) as events:
        async for event in events:
            version = json.loads(event.data)["version"]
            if version == state.version:
                return event.cursor
            if version > state.version:  # that one was set aside; what came before this one is newer already
                break
    raise TimeoutError
