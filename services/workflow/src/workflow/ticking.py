"""What a schedule does at its moments, decided from what is kept of it: pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.contract.journal import Tick
from shared.contract.workflow import PutSchedule, Schedule
from shared.errors import Invalid
from workflow import cron

MOST_COUNTED = 10_000
"""Missed moments are counted up to here."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """What to do at a moment: begin `tick`, and keep `schedule`; None when it has come to its end."""

    tick: Tick
    schedule: Schedule | None


def scheduled(question: PutSchedule, now: datetime) -> Schedule:
    """The schedule that is asked for, with its first moment. Raises Invalid."""
    if (question.cron is None) == (question.at is None):
        raise Invalid("A schedule has either `cron` or `at`.")
    first = question.at if question.cron is None else next(_moments(question, now), None)
    if first is None:
        raise Invalid("That never comes.", fields=["cron"])
    if first.tzinfo is None:
        first = first.replace(tzinfo=cron.zone_of(question.timezone))
    fields = {name: getattr(question, name) for name in PutSchedule.model_fields}
    return Schedule(**fields, created_at=now, next_at=first.astimezone(UTC))


def tick(schedule: Schedule, now: datetime) -> Ticked:
    """The newest moment that has come is the one that counts; those before it are said to be missed."""
    due, missed, upcoming = schedule.next_at, 0, None
    for moment in _moments(schedule, due):
        if moment > now:
            upcoming = moment
            break
        due, missed = moment, missed + 1
        if missed == MOST_COUNTED:
            upcoming = next(_moments(schedule, now), None)
            break
    made = Tick(schedule_id=schedule.schedule_id, due=due, missed=missed)
    if upcoming is None:
        return Ticked(made, None)
    changes = {"next_at": upcoming, "last_at": due, "runs": schedule.runs + 1, "missed": schedule.missed + missed}
    return Ticked(made, schedule.model_copy(update=changes))


def workflow_id(made: Tick) -> str:
    """The id of what a moment begins: the same moment can't begin it twice."""
    return f"{made.schedule_id}-{made.due:%Y%m%dT%H%M%SZ}"


def _moments(schedule: PutSchedule, after: datetime) -> Iterator[datetime]:
    if schedule.cron is None:
        return iter(())
    return cron.parse(schedule.cron).moments(after, cron.zone_of(schedule.timezone))
