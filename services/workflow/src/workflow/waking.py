"""What a worker does with an order to look at a workflow: decided from what is recorded, before anything runs."""

from datetime import datetime, timedelta
from typing import Literal

from shared.contract.journal import RunTaken
from workflow.history import History
from workflow.standing import Claim, Right, right

Waking = Literal["run", "nothing", "elsewhere", "taken_over", "rest", "forget", "hopeless"]

MOST_BARREN = 50
"""Workers that may die over a workflow, one after the other, without it coming any further in between."""

SUSPICIOUS = 5
"""After so many, a process runs it beside no other of which the same is true: who only died along with one comes further."""

EAGER_DELIVERY = 3
"""From this delivery of an order on, taking it is recorded before anything runs: it may be what kills workers."""


def decide(history: History, claim: Claim, now: datetime, keep: timedelta) -> Waking:
    """`now` is at least the moment for which the order was set; what has ended is kept for `keep`."""
    if history.created is None:
        return "nothing"
    if history.end is not None:
        return "forget" if history.end.at + keep <= now else "nothing"
    return _decide_open(history, right(history.standing.holder, claim))


def _decide_open(history: History, mine: Right) -> Waking:
    if mine == "other":
        return "elsewhere"
    if mine == "stale":
        return "taken_over"
    if history.standing.paused:
        return "nothing" if mine == "free" else "rest"
    return "hopeless" if history.standing.barren >= MOST_BARREN else "run"


def taken(claim: Claim, now: datetime) -> RunTaken:
    """The line by which a worker makes its claim."""
    return RunTaken(at=now, worker=claim.worker, order=claim.order, delivery=claim.delivery)
