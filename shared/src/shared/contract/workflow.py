"""What the workflow service is asked, and the orders it works off."""

from datetime import datetime
from typing import Any

from pydantic import Field

from shared.contract.base import Message
from shared.contract.journal import StepStatus, Tick, WorkflowStatus
from shared.contract.objects import Problem
from shared.contract.topics import Call, Queue
from shared.contract.trip import Place, Trip

# --- orders ---------------------------------------------------------------------------------------------------------------


class Wake(Message):
    """See whether this workflow can go on."""

    user: str
    workflow_id: str
    beyond: int = -1
    """Its journal is about to grow beyond this sequence: wait for that."""
    due: datetime | None = None
    """The moment that a timer was set for. It has come, whatever one's own clock says (F33)."""


class Ring(Message):
    """The moment of a schedule has come."""

    user: str
    schedule_id: str
    due: datetime


class JournalGrew(Message):
    """Told, not stored: whoever runs this workflow should look at its journal."""

    user: str
    workflow_id: str


# --- workflows, for callers -----------------------------------------------------------------------------------------------


class CreateWorkflow(Message):
    """Begin a workflow. A known `id` is refused (409 `workflow_exists`).

    Types that are the operator's are unknown, unless `operator` says that it is the operator who asks.
    """

    user: str
    type: str
    params: Any = None
    id: str | None = None
    operator: bool = False


OPERATOR = "operator" + "-" * 256
"""Whose workflows the operator's are: no caller can be called so, because the names of users end at 255 characters."""


class CreatedWorkflow(Message):
    """It exists and will run."""

    id: str


class OfWorkflow(Message):
    """Something about one workflow of this user."""

    user: str
    workflow_id: str


class GetWorkflow(OfWorkflow):
    """How far is it?"""


class Step(Message):
    """One step, as far as it has come. The second one of a name is called `name#2`."""

    name: str
    status: StepStatus
    attempts: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: Problem | None = None
    until: datetime | None = None


class Workflow(Message):
    """A workflow without its steps."""

    id: str
    type: str
    status: WorkflowStatus
    created_at: datetime
    updated_at: datetime


class WorkflowState(Workflow):
    """A workflow with its steps, in the order in which they began, and what it has come to."""

    version: int
    run: int
    """How often it was begun, counting from 1."""
    params: Any = None
    tick: Tick | None = None
    steps: list[Step]
    output: Any = None
    error: Problem | None = None


class ListWorkflows(Message):
    """The workflows of this user, newest first; `before` is the `next` of the page before."""

    user: str
    status: WorkflowStatus | None = None
    type: str | None = None
    limit: int = Field(default=50, ge=1, le=200)
    before: str | None = None


class Workflows(Message):
    """One page of them."""

    workflows: list[Workflow]
    next: str | None = None


class PauseWorkflow(OfWorkflow):
    """Begin nothing new; the step that runs ends first and is recorded."""


class ResumeWorkflow(OfWorkflow):
    """Go on."""


class TerminateWorkflow(OfWorkflow):
    """End it now; the step that runs is cancelled."""


class RestartWorkflow(OfWorkflow):
    """Begin again: without `from_step` from the start, else what was recorded before that step stays."""

    from_step: str | None = Field(default=None, max_length=256)


class SendWorkflowEvent(OfWorkflow):
    """An event for it. Comes it early, it is kept. The same `event_id` again is the same event."""

    type: str = Field(min_length=1, max_length=64)
    payload: Any = None
    event_id: str | None = None


class WorkflowNow(Message):
    """The status after what was asked."""

    id: str
    status: WorkflowStatus


# --- schedules ------------------------------------------------------------------------------------------------------------


class PutSchedule(Message):
    """Begin a workflow at every moment of `cron` in this timezone, or once, `at`. The same id again replaces it."""

    user: str
    schedule_id: str
    type: str
    params: Any = None
    cron: str | None = Field(default=None, max_length=200)
    at: datetime | None = None
    timezone: str = Field(default="UTC", max_length=64)


class Schedule(PutSchedule):
    """A schedule, and what it has done. `missed`: moments at which nothing could run."""

    created_at: datetime
    next_at: datetime
    last_at: datetime | None = None
    runs: int = 0
    missed: int = 0


class DropSchedule(Message):
    """There shall be no such schedule. Idempotent; what it has begun goes on."""

    user: str
    schedule_id: str


class ScheduleDropped(Message):
    """There is none."""


class ListSchedules(Message):
    """The schedules of this user."""

    user: str


class Schedules(Message):
    """All of them, the next one first."""

    schedules: list[Schedule]


# --- travel ---------------------------------------------------------------------------------------------------------------


class FindFlights(Message):
    """Search flights for a person who asks for them now: begins the workflow `travel_search`, and waits a while for it.

    Days are `2026-01-31`; without `origin` it is the person's home. The same `key` again is the same search. Refused with
    `invalid_request`.
    """

    user: str
    key: str | None = None
    origin: Place | None = None
    destination: Place
    departure_date: str
    return_date: str | None = None
    travellers: int = Field(default=1, ge=1, le=9)
    travel_event_id: str | None = None
    wait_seconds: float = Field(default=20.0, ge=0, le=60)


class FlightSearch(Message):
    """How far the search is. `trip` has the flights, once it has ended well; `error` says why it has not."""

    workflow_id: str
    status: WorkflowStatus
    trip: Trip | None = None
    error: Problem | None = None


class SelectFlight(OfWorkflow):
    """Book this flight of the trip that this workflow found: begins the workflow `booking`, which waits for an approval.

    Refused with `unknown_trip`, `unknown_flight`, `flight_selected`.
    """

    flight_id: str = Field(min_length=1, max_length=200)


class FlightSelected(Message):
    """`id` is the booking's: an event `approved` for this workflow has it go on."""

    id: str
    status: WorkflowStatus
    trip: Trip


# --- what a person's preferences ask for ----------------------------------------------------------------------------------


class Arrange(Message):
    """Preferences have changed on which schedules depend: make it so that the schedules are those that they ask for."""

    user: str


# The engine counts what fails by itself, in the journal; an order that was given out often is no poison.
FOR_EVER = 1_000_000
RUN = Queue("run", Wake, stream="RUNS", deliveries=FOR_EVER)
TICK = Queue("tick", Ring, stream="RUNS", deliveries=FOR_EVER)
ARRANGE = Queue("arrange", Arrange, deliveries=20)

CREATE = Call("workflow", "create", CreateWorkflow, CreatedWorkflow)
GET = Call("workflow", "get", GetWorkflow, WorkflowState)
LIST = Call("workflow", "list", ListWorkflows, Workflows)
PAUSE = Call("workflow", "pause", PauseWorkflow, WorkflowNow)
RESUME = Call("workflow", "resume", ResumeWorkflow, WorkflowNow)
TERMINATE = Call("workflow", "terminate", TerminateWorkflow, WorkflowNow)
RESTART = Call("workflow", "restart", RestartWorkflow, WorkflowNow)
SEND_EVENT = Call("workflow", "send_event", SendWorkflowEvent, WorkflowNow)
PUT_SCHEDULE = Call("workflow", "put_schedule", PutSchedule, Schedule)
DROP_SCHEDULE = Call("workflow", "drop_schedule", DropSchedule, ScheduleDropped)
LIST_SCHEDULES = Call("workflow", "list_schedules", ListSchedules, Schedules)
FIND_FLIGHTS = Call("workflow", "find_flights", FindFlights, FlightSearch)
SELECT_FLIGHT = Call("workflow", "select_flight", SelectFlight, FlightSelected)
