"""What is old enough to go, and the archive: looked for by age, in small parts."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, bindparam, delete, func, select, update

from memory.machinery import outbox
from memory.packing import WORTH, packed
from memory.records.prepared import rows, run, run_all, scalar
from memory.tables import calendar, conversations, events, messages, plans, removed, tasks, trips, users

_m = messages.c
_OLD_EVENTS = (
    select(events.c.user_id, events.c.version, events.c.position)
    .where(events.c.at < bindparam("before"))
    .order_by(events.c.at)
    .limit(bindparam("limit"))
)
_FORGET_EVENT = delete(events).where(
    events.c.user_id == bindparam("user"), events.c.version == bindparam("version"), events.c.position == bindparam("position")
)
_OLD_REMOVED = (
    select(removed.c.user_id, func.max(removed.c.version).label("version"))
    .where(removed.c.at < bindparam("before"))
    .group_by(removed.c.user_id)
    .limit(bindparam("limit"))
)
_FORGET_REMOVED = delete(removed).where(removed.c.user_id == bindparam("user"), removed.c.version <= bindparam("version"))
_FORGOTTEN = (
    update(users)
    .where(users.c.id == bindparam("user"), users.c.forgotten < bindparam("version"))
    .values(forgotten=bindparam("version"))
)
_OLD_TASKS = (
    select(tasks.c.id, tasks.c.user_id)
    .where(tasks.c.status == "completed", tasks.c.completed_at < bindparam("before"))
    .limit(bindparam("limit"))
)
_OLD_TRIPS = select(trips.c.user_id, trips.c.id).where(trips.c.departure_date < bindparam("before")).limit(bindparam("limit"))
_OLD_PLANS = select(plans.c.user_id, plans.c.date).where(plans.c.date < bindparam("before")).limit(bindparam("limit"))
_OLD_CALENDAR = (
    select(calendar.c.id, calendar.c.user_id).where(calendar.c.ends_at < bindparam("before")).limit(bindparam("limit"))
)
_FORGET_PLAN = delete(plans).where(plans.c.user_id == bindparam("user"), plans.c.date == bindparam("date"))
_FORGET_POISONED = delete(outbox).where(outbox.c.poison.is_not(None), outbox.c.seq <= bindparam("seq"))
_NEWEST_POISONED = select(func.max(outbox.c.seq)).where(outbox.c.poison.is_not(None))
_FAR = select(_m.conversation_id, _m.user_id).where(_m.seq > bindparam("after"), _m.seq <= bindparam("until")).distinct()
_NEWEST = select(func.max(_m.seq))
_HOT = (
    select(_m.seq)
    .where(_m.conversation_id == bindparam("conversation"))
    .order_by(_m.seq.desc())
    .offset(bindparam("hot", type_=BigInteger))
    .limit(1)
)
_UNTIL = select(conversations.c.archived_until).where(conversations.c.id == bindparam("conversation"))
_COLD = (
    select(_m.seq, _m.id, _m.text, _m.status, _m.packed)
    .where(_m.conversation_id == bindparam("conversation"), _m.seq > bindparam("after"), _m.seq <= bindparam("until"))
    .order_by(_m.seq)
    .limit(bindparam("limit"))
)
_PACK = update(messages).where(_m.id == bindparam("message")).values(text="", packed=bindparam("small"))
_ARCHIVED = (
    update(conversations).where(conversations.c.id == bindparam("conversation")).values(archived_until=bindparam("until"))
)


@dataclass(frozen=True, slots=True)
class Old:
    """Something old, and whose it is."""

    user: str
    id: str


def forget_events(connection: Connection, before: int, limit: int) -> int:
    """Takes some events out of the log that were written before then; answers with how many."""
    old = rows(connection, _OLD_EVENTS, {"before": before, "limit": limit})
    run_all(connection, _FORGET_EVENT, [{"user": one.user_id, "version": one.version, "position": one.position} for one in old])
    return len(old)


def any_events(connection: Connection, before: int) -> bool:
    """Whether there is one to forget."""
    return bool(rows(connection, _OLD_EVENTS, {"before": before, "limit": 1}))


def forget_removed(connection: Connection, before: int, limit: int) -> int:
    """Forgets what was removed before then, of some users; whoever asks what has changed since then gets everything."""
    old = rows(connection, _OLD_REMOVED, {"before": before, "limit": limit})
    values = [{"user": one.user_id, "version": one.version} for one in old]
    run_all(connection, _FORGOTTEN, values)
    run_all(connection, _FORGET_REMOVED, values)
    return len(old)


def any_removed(connection: Connection, before: int) -> bool:
    """Whether there is something to forget."""
    return bool(rows(connection, _OLD_REMOVED, {"before": before, "limit": 1}))


def old_tasks(connection: Connection, before: int, limit: int) -> list[Old]:
    """Some tasks that were completed before then."""
    return [Old(one.user_id, one.id) for one in rows(connection, _OLD_TASKS, {"before": before, "limit": limit})]


def old_plans(connection: Connection, before: str, limit: int) -> list[Old]:
    """Some plans of days before then."""
    return [Old(one.user_id, one.date) for one in rows(connection, _OLD_PLANS, {"before": before, "limit": limit})]


def old_trips(connection: Connection, before: str, limit: int) -> list[Old]:
    """Some trips that began before then."""
    return [Old(one.user_id, one.id) for one in rows(connection, _OLD_TRIPS, {"before": before, "limit": limit})]


def old_calendar(connection: Connection, before: int, limit: int) -> list[Old]:
    """Some calendar entries that ended before then."""
    return [Old(one.user_id, one.id) for one in rows(connection, _OLD_CALENDAR, {"before": before, "limit": limit})]


def forget_plan(connection: Connection, user: str, date: str) -> None:
    """It is gone."""
    run(connection, _FORGET_PLAN, {"user": user, "date": date})


def newest_poisoned(connection: Connection) -> int | None:
    """The last letter that NATS will never take, or None."""
    return scalar(connection, _NEWEST_POISONED, {})


def forget_poisoned(connection: Connection, seq: int) -> None:
    """Forgets such letters up to this one."""
    run(connection, _FORGET_POISONED, {"seq": seq})


def newest_message(connection: Connection) -> int:
    """The last row of messages."""
    return scalar(connection, _NEWEST, {}) or 0


def cold(connection: Connection, after: int, until: int, hot: int) -> list[tuple[Old, int]]:
    """Of the conversations that messages of these rows are in, those that have something to archive, and up to which row."""
    touched = [Old(one.user_id, one.conversation_id) for one in rows(connection, _FAR, {"after": after, "until": until})]
    ends = [(one, cold_until(connection, one.id, hot)) for one in touched]
    return [(one, end) for one, end in ends if end is not None]


def cold_until(connection: Connection, conversation_id: str, hot: int) -> int | None:
    """The last row that `hot` others of the conversation follow, when the archive has not come that far; else None."""
    until = scalar(connection, _HOT, {"conversation": conversation_id, "hot": hot})
    reached = scalar(connection, _UNTIL, {"conversation": conversation_id})
    return until if until is not None and reached is not None and reached < until else None


def archive(connection: Connection, conversation_id: str, until: int, limit: int) -> bool:
    """Packs the next messages up to this row; False when it has come that far."""
    reached = scalar(connection, _UNTIL, {"conversation": conversation_id})
    if reached is None:
        return False
    values = {"conversation": conversation_id, "after": reached, "until": until, "limit": limit}
    cold = rows(connection, _COLD, values)
    fit = [one for one in cold if len(one.text) >= WORTH and one.status not in ("pending", "streaming")]
    small = [{"message": one.id, "small": packed(one.text)} for one in fit]
    run_all(connection, _PACK, [one for one in small if one["small"] is not None])
    end = cold[-1].seq if len(cold) == limit else until
    run(connection, _ARCHIVED, {"conversation": conversation_id, "until": end})
    return end < until
