"""The plans of days."""

import re
from datetime import date

from memory.handlers.reading import Snapshot
from memory.handlers.repetition import change_once
from memory.records import plans
from memory.transaction import Transaction
from shared.contract.changes import PlanUpdated
from shared.contract.person import Plan
from shared.contract.state import GetPlan, PutPlan
from shared.errors import Invalid, LimitReached

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def get_plan(view: Snapshot, question: GetPlan) -> Plan:
    """The plan of a day, empty when there is none."""
    day = _day(question.date)
    return plans.get(view.connection, question.user, day) or Plan(date=day)


def put_plan(tx: Transaction, question: PutPlan) -> Plan:
    """Puts a plan in place of the one there was."""
    return change_once(tx, "put_plan", question, Plan, lambda: _put(tx, question))


def _put(tx: Transaction, question: PutPlan) -> Plan:
    user, day = question.user, _day(question.date)
    old = plans.get(tx.connection, user, day)
    if old is None:
        _refuse_more(tx, user)
    new = Plan(date=day, priorities=question.priorities, todos=question.todos, notes=question.notes, updated_at=tx.at)
    if old is not None and new.model_copy(update={"updated_at": old.updated_at}) == old:
        return old
    plans.keep(tx.connection, user, new, tx.version(user), tx.micros)
    tx.tell_state(user, "plan", PlanUpdated(**tx.stamp(user), plan=new))
    return new


def _refuse_more(tx: Transaction, user: str) -> None:
    limit = tx.limits.plans
    if plans.count(tx.connection, user) >= limit:
        raise LimitReached(f"There are plans for {limit} days, as many as one may have.", limit=limit)


def _day(text: str) -> str:
    """The date as it is kept. Raises Invalid."""
    try:
        return date.fromisoformat(text if _DAY.fullmatch(text) else "").isoformat()
    except ValueError:
        raise Invalid("A date must be a day such as 2026-01-31.") from None
