"""For the operator's own services: an output that a model made elsewhere."""

from fastapi import APIRouter
from starlette.responses import Response

from gateway.bodies import FinalOutput
from gateway.identity import checked_user
from gateway.parameters import IdempotencyKey
from gateway.parts import Here
from gateway.replies import OutputStored, reply, shows
from gateway.requests import one_key
from gateway.service_token import Service
from shared.contract.account import STORE_OUTPUT
from shared.errors import TooLarge

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
