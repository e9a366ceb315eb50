"""Workflows: work of many steps that goes on whatever happens."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response
from starlette.status import HTTP_202_ACCEPTED as ACCEPTED

from gateway.beginning import begin, cursor_of, place_of
from gateway.orders import NewWorkflow, Restart, TypeName, WorkflowEvent
from gateway.parameters import IdempotencyKey, PageCursor
from gateway.parts import Caller, Here
from gateway.replies import reply, shows
from shared.contract.journal import WorkflowStatus
from shared.contract.workflow import (
    GET,
    LIST,
    PAUSE,
    RESTART,
    RESUME,
    SEND_EVENT,
    TERMINATE,
    CreatedWorkflow,
    GetWorkflow,
    ListWorkflows,
    PauseWorkflow,
    RestartWorkflow,
    ResumeWorkflow,
    TerminateWorkflow,
    WorkflowNow,
    Workflows,
    WorkflowState,
)
from shared.ids import Id

router = APIRouter(prefix="/api/v1/workflows", tags=["workflows"])

NOW = shows(WorkflowNow, ACCEPTED)


@router.get("", responses=shows(Workflows))
async def list_workflows(
    parts: Here,
    caller: Caller,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: PageCursor = None,
    status: Annotated[WorkflowStatus | None, Query()] = None,
    kind: Annotated[TypeName | None, Query(alias="type")] = None,
) -> Response:
    """Newest first, without their steps; all, or those of one status or type."""
    before = place_of(cursor)
    page = await parts.ask(LIST, ListWorkflows(user=caller.user, status=status, type=kind, limit=limit, before=before))
    return reply({**page.wire(), "next": cursor_of(page.next)})


@router.post("", status_code=ACCEPTED, responses=shows(CreatedWorkflow, ACCEPTED))
async def create_workflow(body: NewWorkflow, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """Begins a workflow. A known `id` is a 409; the same request under the same key is answered the same."""
    return reply(CreatedWorkflow(id=await begin(parts, body.order(caller.user), key)), ACCEPTED)


@router.get("/{workflow_id}", responses=shows(WorkflowState))
async def get_workflow(workflow_id: Id, parts: Here, caller: Caller) -> Response:
    """One workflow with its steps, and what it has come to."""
    return reply(await parts.ask(GET, GetWorkflow(user=caller.user, workflow_id=workflow_id)))


@router.post("/{workflow_id}/pause", status_code=ACCEPTED, responses=NOW)
async def pause_workflow(workflow_id: Id, parts: Here, caller: Caller) -> Response:
    """Begins nothing new; the step that runs ends first and is recorded."""
    return reply(await parts.change(PAUSE, PauseWorkflow(user=caller.user, workflow_id=workflow_id)), ACCEPTED)


@router.post("/{workflow_id}/resume", status_code=ACCEPTED, responses=NOW)
async def resume_workflow(workflow_id: Id, parts: Here, caller: Caller) -> Response:
    """Goes on."""
    return reply(await parts.change(RESUME, ResumeWorkflow(user=caller.user, workflow_id=workflow_id)), ACCEPTED)


@router.post("/{workflow_id}/terminate", status_code=ACCEPTED, responses=NOW)
async def terminate_workflow(workflow_id: Id, parts: Here, caller: Caller) -> Response:
    """Ends it now; the step that runs is cancelled."""
    order = TerminateWorkflow(user=caller.user, workflow_id=workflow_id)
    return reply(await parts.change(TERMINATE, order), ACCEPTED)


@router.post("/{workflow_id}/restart", status_code=ACCEPTED, responses=NOW)
async def restart_workflow(workflow_id: Id, parts: Here, caller: Caller, body: Restart | None = None) -> Response:
    """Begins again: from the start, or with what was recorded before `fromStep`."""
    from_step = body.from_step if body else None
    order = RestartWorkflow(user=caller.user, workflow_id=workflow_id, from_step=from_step)
    return reply(await parts.change(RESTART, order), ACCEPTED)


@router.post("/{workflow_id}/events", status_code=ACCEPTED, responses=NOW)
async def send_event(workflow_id: Id, body: WorkflowEvent, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """Sends it an event; one that nobody waits for yet is kept."""
    return reply(await parts.change(SEND_EVENT, body.order(caller.user, workflow_id, key)), ACCEPTED)
