"""Transcripts: what was said, and who is at work on what is not text yet."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from memory.clock import moment
from memory.machinery import IS_UNHEARD, transcripts
from memory.records.prepared import AnyRow, row, rows, run, run_all, scalar
from memory.transcript import Kept
from shared.contract.objects import Problem
from shared.contract.transcript import Segment, Transcript
from shared.errors import UnknownTranscript

_t = transcripts.c
_ITS = _t.id == bindparam("transcript")
_OURS = (_ITS, _t.user_id == bindparam("user"))
_KEPT = select(_t.id, _t.user_id, _t.origin, _t.status, _t.epoch, _t.lease_until, _t.url, _t.language, _t.created_at).where(
    *_OURS
)
_ONE = select(transcripts).where(*_OURS)
_INSERT = insert(transcripts)
_COUNT = select(func.count()).select_from(transcripts).where(_t.user_id == bindparam("user"), IS_UNHEARD)
_OF_USER = select(_t.id).where(_t.user_id == bindparam("user"), IS_UNHEARD)
_BEGIN = (
    update(transcripts)
    .where(_ITS)
    .values(status="running", epoch=bindparam("new_epoch"), lease_until=bindparam("until"), worker=bindparam("by"))
)
_LEASE = update(transcripts).where(_ITS).values(lease_until=bindparam("until"))
_RELEASE = update(transcripts).where(_ITS).values(status="queued", ordered_at=bindparam("now"))
_ORDERED = update(transcripts).where(_ITS).values(ordered_at=bindparam("now"), orders=_t.orders + 1)
_END = (
    update(transcripts)
    .where(_ITS)
    .values(
        status=bindparam("outcome"),
        text=bindparam("said"),
        language=bindparam("tongue"),
        engine=bindparam("by"),
        duration=bindparam("seconds"),
        segments=bindparam("pieces"),
        error=bindparam("problem"),
        ended_at=bindparam("at"),
    )
)
_OPEN_AGES = select(_t.id, _t.user_id, _t.status, _t.lease_until, _t.ordered_at, _t.orders).where(IS_UNHEARD)
_IS_OPEN = select(_t.id).where(_ITS, IS_UNHEARD)
_AFTER_START = update(transcripts).where(IS_UNHEARD).values(lease_until=bindparam("until"), ordered_at=bindparam("now"))
_OLD = select(_t.id, _t.user_id).where(_t.ended_at < bindparam("before")).limit(bindparam("limit"))
_FORGET = delete(transcripts).where(_ITS)


def find(connection: Connection, user: str, transcript_id: str) -> Kept | None:
    """What is kept of it, or None."""
    found = row(connection, _KEPT, {"transcript": transcript_id, "user": user})
    if found is None:
        return None
    values = (found.origin, found.status, found.epoch, found.lease_until, found.url, found.language, found.created_at)
    return Kept(found.id, found.user_id, *values)


def get(connection: Connection, user: str, transcript_id: str) -> Transcript:
    """All of it. Raises UnknownTranscript."""
    found = row(connection, _ONE, {"transcript": transcript_id, "user": user})
    if found is None:
        raise UnknownTranscript
    return _transcript(found)


def _transcript(found: AnyRow) -> Transcript:
    segments = None if found.segments is None else [Segment.model_validate(one) for one in json.loads(found.segments)]
    return Transcript(
        id=found.id,
        status=found.status,
        origin=found.origin,
        text=found.text,
        language=found.language,
        engine=found.engine,
        duration_seconds=found.duration,
        segments=segments,
        error=None if found.error is None else Problem.decode(found.error),
        created_at=moment(found.created_at),
        ended_at=None if found.ended_at is None else moment(found.ended_at),
    )


def count_open(connection: Connection, user: str) -> int:
    """How many of this user are still to be made."""
    return scalar(connection, _COUNT, {"user": user})


def open_of_user(connection: Connection, user: str) -> list[str]:
    """Their ids."""
    return [found.id for found in rows(connection, _OF_USER, {"user": user})]


def keep(connection: Connection, kept: Kept, at: int, ticks: float) -> None:
    """Stores a new one."""
    values: dict[str, Any] = {"id": kept.id, "user_id": kept.user, "origin": kept.origin, "status": kept.status}
    values |= {"epoch": kept.epoch, "lease_until": 0.0, "ordered_at": ticks, "orders": 0, "created_at": at}
    run(connection, _INSERT, {**values, "url": kept.url, "language": kept.language})


def begin(connection: Connection, transcript_id: str, epoch: int, until: float, worker: str) -> None:
    """A worker makes it, until the lease ends."""
    run(connection, _BEGIN, {"transcript": transcript_id, "new_epoch": epoch, "until": until, "by": worker})


def extend(connection: Connection, transcript_id: str, until: float) -> None:
    """Its worker goes on."""
    run(connection, _LEASE, {"transcript": transcript_id, "until": until})


def give_back(connection: Connection, transcript_id: str, ticks: float) -> None:
    """Its worker gives it back to the queue."""
    run(connection, _RELEASE, {"transcript": transcript_id, "now": ticks})


def ordered(connection: Connection, transcript_id: str, ticks: float) -> None:
    """An order for it goes out again."""
    run(connection, _ORDERED, {"transcript": transcript_id, "now": ticks})


def end(connection: Connection, transcript: Transcript, at: int) -> None:
    """It has ended so."""
    segments = transcript.segments
    values = {
        "transcript": transcript.id,
        "outcome": transcript.status,
        "said": transcript.text,
        "tongue": transcript.language,
        "by": transcript.engine,
        "seconds": transcript.duration_seconds,
        "pieces": None if segments is None else json.dumps([segment.wire() for segment in segments]),
        "problem": None if transcript.error is None else transcript.error.encode().decode(),
        "at": at,
    }
    run(connection, _END, values)


def open_ages(connection: Connection) -> Sequence[AnyRow]:
    """Of everyone that is still to be made what the sweep needs to know."""
    return rows(connection, _OPEN_AGES, {})


def still_open(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Which of these are still to be made."""
    return [one for one in ids if rows(connection, _IS_OPEN, {"transcript": one})]


def after_start(connection: Connection, ticks: float, lease: float) -> None:
    """The clock may be of another boot: everybody gets a whole lease."""
    run(connection, _AFTER_START, {"until": ticks + lease, "now": ticks})


def any_old(connection: Connection, before: int) -> bool:
    """Whether there is one that ended before then."""
    return bool(rows(connection, _OLD, {"before": before, "limit": 1}))


def forget_old(connection: Connection, before: int, limit: int) -> int:
    """Forgets some that ended before then; answers how many."""
    old = rows(connection, _OLD, {"before": before, "limit": limit})
    run_all(connection, _FORGET, [{"transcript": one.id} for one in old])
    return len(old)
