"""What clients may send about workflows and schedules, field by field."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.bodies import Plain
from gateway.parameters import Day, Moment
from gateway.requests import Name, Request, not_blank
from shared.contract.workflow import CreateWorkflow, FindFlights, PutSchedule, SendWorkflowEvent
from shared.ids import Id

TypeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
StepName = Annotated[str, Field(min_length=1, max_length=256)]
Params = dict[str, Plain]
MAX_GOAL = 8_000


class NewWorkflow(Request):
    """What is to be begun. An `id` of one's own is used once."""

    type: TypeName
    params: Params | None = None
    id: Id | None = None

    def order(self, user: str, *, operator: bool = False) -> CreateWorkflow:
        """What the workflow service is asked to do."""
        return CreateWorkflow(user=user, type=self.type, params=self.params, id=self.id, operator=operator)


class Restart(Request):
    """Where to begin again; without it from the start."""

    from_step: StepName | None = None


class WorkflowEvent(Request):
    """Something that a workflow may wait for."""

    type: TypeName
    payload: Plain = None

    def order(self, user: str, workflow_id: str, key: str | None) -> SendWorkflowEvent:
        """What the workflow service is asked to do. Under the same key it is the same event."""
        return SendWorkflowEvent(user=user, workflow_id=workflow_id, type=self.type, payload=self.payload, event_id=key)


class NewSchedule(Request):
    """What is to be begun at every moment of `cron`, or once, `at`. Without a timezone it is the one of the preferences."""

    type: TypeName
    params: Params | None = None
    cron: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    at: Moment | None = None
    timezone: Annotated[str, Field(min_length=1, max_length=64)] | None = None

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if (self.cron is None) == (self.at is None):
            raise ValueError("either cron or at is needed")
        return self

    def order(self, user: str, schedule_id: str, timezone: str) -> PutSchedule:
        """What the workflow service is asked to do."""
        given = self.model_dump(exclude={"timezone"})
        return PutSchedule(user=user, schedule_id=schedule_id, timezone=self.timezone or timezone, **given)


class FlightsWanted(Request):
    """Where to and when; from home when no origin is said."""

    destination: Name
    departure_date: Day
    origin: Name | None = None
    return_date: Day | None = None
    travellers: Annotated[int, Field(ge=1, le=9)] = 1
    travel_event_id: Id | None = None

    def order(self, user: str, key: str | None) -> FindFlights:
        """What the workflow service is asked to do. The client follows the workflow; nobody waits here."""
        return FindFlights(user=user, key=key, wait_seconds=0, **self.model_dump())


class Errand(Request):
    """A goal to be worked on in the background."""

    goal: Annotated[str, Field(max_length=MAX_GOAL), AfterValidator(not_blank)]
    model: Name | None = None
    user_id: str | None = None

    def order(self, user: str) -> CreateWorkflow:
        """What the workflow service is asked to do."""
        params: dict[str, Any] = self.model_dump(include={"goal", "model"}, exclude_none=True)
        return CreateWorkflow(user=user, type="task", params=params)
