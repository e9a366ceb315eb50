"""The part of the workflow service that the gateway meets: workflows that only do what they are told."""

from datetime import UTC, datetime
from typing import Any

from shared.bus import Answer, Bus
from shared.contract import workflow as contract
from shared.contract.events import WorkflowUpdated
from shared.contract.subjects import workflow_event
from shared.contract.trip import Trip
from shared.contract.workflow import Workflow, WorkflowState
from shared.errors import UnknownStep, UnknownTrip, UnknownWorkflow, UnknownWorkflowType, WorkflowExists
from shared.ids import new_id

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = {"task", "countdown"}


def trip_of(workflow_id: str) -> Trip:
    """A trip that this workflow found."""
    day = "2026-12-01"
    fields = {"destination": "Paris", "departure_date": day, "created_at": NOW, "updated_at": NOW}
    return Trip(id=workflow_id, workflow_id=workflow_id, **fields)


class WorkflowDouble:
    """Workflows by user and id."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.known: dict[tuple[str, str], WorkflowState] = {}
        self.schedules: dict[tuple[str, str], contract.Schedule] = {}
        self.asked: list[Any] = []

    def answers(self) -> list[Answer[Any, Any]]:
        return [
            Answer(contract.CREATE, self.create),
            Answer(contract.GET, self.get),
            Answer(contract.LIST, self.list),
            Answer(contract.PAUSE, self.becomes("paused")),
            Answer(contract.RESUME, self.becomes("running")),
            Answer(contract.TERMINATE, self.becomes("terminated")),
            Answer(contract.RESTART, self.restart),
            Answer(contract.SEND_EVENT, self.becomes("running")),
            Answer(contract.PUT_SCHEDULE, self.put),
            Answer(contract.DROP_SCHEDULE, self.drop),
            Answer(contract.LIST_SCHEDULES, self.list_schedules),
            Answer(contract.FIND_FLIGHTS, self.find_flights),
            Answer(contract.SELECT_FLIGHT, self.select_flight),
        ]

    async def find_flights(self, order: contract.FindFlights) -> contract.FlightSearch:
        self.asked.append(order)
        return contract.FlightSearch(workflow_id="w_flights", status="running")

    async def select_flight(self, order: contract.SelectFlight) -> contract.FlightSelected:
        self.asked.append(order)
        if order.workflow_id != "w_flights":
            raise UnknownTrip
        return contract.FlightSelected(id="w_booking", status="queued", trip=trip_of("w_flights"))

    async def create(self, order: contract.CreateWorkflow) -> contract.CreatedWorkflow:
        self.asked.append(order)
        if order.type not in TYPES:
            raise UnknownWorkflowType
        key = (order.user, order.id or new_id("w"))
        if key in self.known:
            raise WorkflowExists
        self.known[key] = WorkflowState(
            id=key[1],
            type=order.type,
            status="queued",
            created_at=NOW,
            updated_at=NOW,
            version=1,
            run=1,
            params=order.params,
            steps=[contract.Step(name="plan", status="running", attempts=1, started_at=NOW)],
        )
        return contract.CreatedWorkflow(id=key[1])

    def own(self, question: contract.OfWorkflow) -> WorkflowState:
        if (question.user, question.workflow_id) not in self.known:
            raise UnknownWorkflow
        return self.known[question.user, question.workflow_id]

    async def get(self, question: contract.GetWorkflow) -> WorkflowState:
        return self.own(question)

    async def list(self, question: contract.ListWorkflows) -> contract.Workflows:
        self.asked.append(question)
        mine = [state for (user, _), state in self.known.items() if user == question.user][::-1]
        mine = [state for state in mine if question.status in (None, state.status) and question.type in (None, state.type)]
        begin = next((n + 1 for n, state in enumerate(mine) if place(state) == question.before), 0)
        page = mine[begin : begin + question.limit]
        shown = [Workflow(**state.model_dump(include=set(Workflow.model_fields))) for state in page]
        return contract.Workflows(workflows=shown, next=place(page[-1]) if begin + len(page) < len(mine) else None)

    def becomes(self, status: Any) -> Any:
        async def change(order: contract.OfWorkflow) -> contract.WorkflowNow:
            self.asked.append(order)
            return await self.set(order, status=status)

        return change

    async def restart(self, order: contract.RestartWorkflow) -> contract.WorkflowNow:
        self.asked.append(order)
        if order.from_step not in (None, "plan"):
            self.own(order)
            raise UnknownStep
        return await self.set(order, status="queued")

    async def set(self, order: contract.OfWorkflow, **fields: Any) -> contract.WorkflowNow:
        """Changes a workflow, and tells its user."""
        state = self.own(order).model_copy(update=fields)
        self.known[order.user, order.workflow_id] = state
        event = WorkflowUpdated(id=new_id("e"), at=NOW, workflow_id=state.id, type=state.type, status=state.status)
        await self.bus.store(workflow_event(order.user, state.id), event.encode(), type=event.type_name)
        return contract.WorkflowNow(id=state.id, status=state.status)

    async def put(self, order: contract.PutSchedule) -> contract.Schedule:
        self.asked.append(order)
        schedule = contract.Schedule(**order.model_dump(), created_at=NOW, next_at=NOW)
        self.schedules[order.user, order.schedule_id] = schedule
        return schedule

    async def drop(self, order: contract.DropSchedule) -> contract.ScheduleDropped:
        self.schedules.pop((order.user, order.schedule_id), None)
        return contract.ScheduleDropped()

    async def list_schedules(self, question: contract.ListSchedules) -> contract.Schedules:
        return contract.Schedules(schedules=[each for (user, _), each in self.schedules.items() if user == question.user])


def place(state: WorkflowState) -> str:
    """As the engine makes it: nothing that could stand in an address."""
    return f"{state.created_at.isoformat(timespec='microseconds')}~{state.id}"
