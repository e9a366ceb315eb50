"""Who is poison: only deaths in a row without a step forward count, however they lie among the others."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.contract.journal import EventReceived, RunRested, RunTaken, StepCompleted, StepFailed, StepStarted, WaitBegun
from workflow.standing import Standing

AT = datetime(2026, 11, 28, tzinfo=UTC)
TAKEN = RunTaken(at=AT, worker="w", order=1, delivery=1)
NOTHING = (StepStarted(at=AT, step="a", attempt=1), EventReceived(at=AT, event_id="e", type="t"))
PROGRESS = (
    StepCompleted(at=AT, step="a", attempts=1, started_at=AT),
    StepFailed(at=AT, step="b", attempts=1, started_at=AT, error={"code": "x", "message": ""}),
    WaitBegun(at=AT, step="c", type="t", until=AT + timedelta(days=1)),
    RunRested(at=AT, status="sleeping"),
)


@given(st.lists(st.sampled_from((TAKEN, *NOTHING, *PROGRESS)), max_size=60))
def test_f27_deaths_count_only_since_the_last_step_forward(lines: list):
    standing = Standing()
    for line in lines:
        standing = standing.after(line)
    last = max((place for place, line in enumerate(lines) if line in PROGRESS), default=-1)
    assert standing.barren == lines[last + 1 :].count(TAKEN)
