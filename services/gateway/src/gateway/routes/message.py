"""Messages: send, edit, answer again, stop."""

from fastapi import APIRouter
from starlette.responses import Response
from starlette.status import HTTP_202_ACCEPTED as ACCEPTED

from gateway.parameters import IdempotencyKey
from gateway.parts import Caller, Here, must_be
from gateway.replies import BeingStopped, Receipt, reply, shows
from gateway.requests import Edit, PostMessage, RegenerateMessage, Stop, check_size, one_key
from gateway.turn import begin, noted, receipt
from shared.contract.memory import EDIT_MESSAGE, REGENERATE, STOP_GENERATION, EditMessage, Regenerate, StopGeneration
from shared.errors import TooLarge
from shared.ids import Id

router = APIRouter(prefix="/api/v1", tags=["messages"])


@router.post("/message", status_code=ACCEPTED, responses=shows(Receipt, ACCEPTED))
async def post_message(body: PostMessage, parts: Here, caller: Caller, idempotency_key: IdempotencyKey = None) -> Response:
    """Stores a message and has it answered. The same key again gives the same answer and stores nothing."""
    must_be(body.user_id, caller)
    order = body.order(caller.user, idempotency_key)
    check_size(order, parts.settings)
    return reply(receipt(await begin(parts, order), caller), ACCEPTED)


@router.put("/messages/{message_id}", status_code=ACCEPTED, responses=shows(Receipt, ACCEPTED))
async def edit_message(
    message_id: Id, body: Edit, parts: Here, caller: Caller, idempotency_key: IdempotencyKey = None
) -> Response:
    """Puts a changed user message beside the old one, as a new branch, and answers it."""
    if len(body.text.encode()) > parts.settings.text_bytes:
        raise TooLarge("The text is too long.", limit=parts.settings.text_bytes)
    key = one_key(idempotency_key, body.client_message_id)
    order = EditMessage(user=caller.user, message_id=message_id, text=body.text, client_message_id=key)
    return reply(receipt(await noted(parts, EDIT_MESSAGE, order), caller), ACCEPTED)


@router.post("/conversations/{conversation_id}/regenerate", status_code=ACCEPTED, responses=shows(Receipt, ACCEPTED))
async def regenerate(
    conversation_id: Id, body: RegenerateMessage, parts: Here, caller: Caller, idempotency_key: IdempotencyKey = None
) -> Response:
    """Answers a message again. The old answer stays, as a sibling branch."""
    key = one_key(idempotency_key, body.client_message_id)
    order = Regenerate(user=caller.user, conversation_id=conversation_id, message_id=body.message_id, client_message_id=key)
    return reply(receipt(await noted(parts, REGENERATE, order), caller), ACCEPTED)


@router.post("/conversations/{conversation_id}/stop", status_code=ACCEPTED, responses=shows(BeingStopped, ACCEPTED))
async def stop(conversation_id: Id, parts: Here, caller: Caller, body: Stop | None = None) -> Response:
    """Stops one answer of the conversation, or all that are open. Saying it twice does no harm."""
    generation = body.generation_id if body else None
    order = StopGeneration(user=caller.user, conversation_id=conversation_id, generation_id=generation)
    stopping = await parts.ask(STOP_GENERATION, order)
    return reply({"status": "stopping", "generationIds": stopping.generation_ids}, ACCEPTED)
