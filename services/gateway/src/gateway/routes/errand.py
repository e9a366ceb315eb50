"""The short form of the workflow `task`: a goal in, a plan and a result out."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response
from starlette.status import HTTP_202_ACCEPTED as ACCEPTED

from gateway.beginning import begin
from gateway.orders import Errand
from gateway.parameters import IdempotencyKey
from gateway.parts import Caller, Here, must_be
from gateway.replies import ErrandNow, reply, shows
from shared.contract.workflow import GET, CreatedWorkflow, GetWorkflow
from shared.errors import UnknownWorkflow
from shared.ids import Id

router = APIRouter(prefix="/api/task", tags=["short forms"])


@router.post("", status_code=ACCEPTED, responses=shows(CreatedWorkflow, ACCEPTED))
async def begin_errand(body: Errand, parts: Here, caller: Caller, key: IdempotencyKey = None) -> Response:
    """Plans the goal and works on it in the background. The id is that of a workflow."""
    must_be(body.user_id, caller)
    return reply(CreatedWorkflow(id=await begin(parts, body.order(caller.user), key)), ACCEPTED)


@router.get("", responses=shows(ErrandNow))
async def get_errand(workflow_id: Annotated[Id, Query(alias="instanceId")], parts: Here, caller: Caller) -> Response:
    """How far it is; `output` has the plan and the result when it is completed."""
    found = await parts.ask(GET, GetWorkflow(user=caller.user, workflow_id=workflow_id))
    if found.type != "task":
        raise UnknownWorkflow
    error = {"error": found.error.wire()} if found.error else {}
    return reply({"id": found.id, "status": found.status, "output": found.output, **error})
