"""For the operator's own services: an output that a model made elsewhere, and workflows over several people."""

from fastapi import APIRouter
from starlette.responses import Response
from starlette.status import HTTP_202_ACCEPTED as ACCEPTED

from gateway.beginning import begin
from gateway.bodies import FinalOutput
from gateway.identity import checked_user
from gateway.orders import NewWorkflow
from gateway.parameters import IdempotencyKey
from gateway.parts import Here
from gateway.replies import OutputStored, reply, shows
from gateway.requests import one_key
from gateway.service_token import Service
from shared.contract.account import STORE_OUTPUT
from shared.contract.workflow import GET, OPERATOR, CreatedWorkflow, GetWorkflow, WorkflowState
from shared.errors import TooLarge
from shared.ids import Id

router = APIRouter(prefix="/api/v1", tags=["internal"])


@router.post("/complete-llm", responses=shows(OutputStored))
async def complete_llm(body: FinalOutput, parts: Here, service: Service, key: IdempotencyKey = None) -> Response:
    """Stores a final output with what it asks for, in one step. Needs the service token, not a user's."""
    if len(body.text.encode()) > parts.settings.completion_bytes:
        raise TooLarge("The text is too long.", limit=parts.settings.completion_bytes)
    checked_user(body.user_id)
    parts.must_be_open()
    order = body.order(service, one_key(key, body.operation_id))
    return reply({"status": "stored", **(await parts.ask(STORE_OUTPUT, order)).wire()})


@router.post("/internal/workflows", status_code=ACCEPTED, responses=shows(CreatedWorkflow, ACCEPTED))
async def create_workflow(body: NewWorkflow, parts: Here, _: Service, key: IdempotencyKey = None) -> Response:
    """Begins a workflow of the operator's, such as `group_summary`. Needs the service token, not a user's."""
    return reply(CreatedWorkflow(id=await begin(parts, body.order(OPERATOR, operator=True), key)), ACCEPTED)


@router.get("/internal/workflows/{workflow_id}", responses=shows(WorkflowState))
async def get_workflow(workflow_id: Id, parts: Here, _: Service) -> Response:
    """One of those, with its steps and what it has come to."""
    return reply(await parts.ask(GET, GetWorkflow(user=OPERATOR, workflow_id=workflow_id)))
