"""The short form: one call, one answer."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import end_of
from gateway.leaving import ClientGone, while_wanted
from gateway.parameters import IdempotencyKey, Limit
from gateway.parts import Caller, Here, must_be
from gateway.replies import History, Reply, Shown, reply, shows
from gateway.requests import Chat, Clear, check_size
from gateway.streaming import AnswerStream
from gateway.turn import begin
from shared.contract.memory import CLEAR_HISTORY, LIST_MESSAGES, ClearHistory, Deleted, ListMessages
from shared.contract.state import GET_STATE, GetState
from shared.ids import Id

router = APIRouter(prefix="/api", tags=["short forms"])

CLIENT_CLOSED = 499
STREAM_DOC: Shown = {
    200: {
        "description": "The answer as server-sent events, then `done`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.post("/chat", responses=shows(Reply))
async def chat(body: Chat, request: Request, parts: Here, caller: Caller, idempotency_key: IdempotencyKey = None) -> Response:
    """Waits for the answer. Hanging up doesn't stop it."""
    must_be(body.user_id, caller)
    order = body.order(caller.user, idempotency_key)
    check_size(order, parts.settings)
    begun = await begin(parts, order, alone=True)
    try:
        seconds = parts.settings.answer_seconds
        message = await while_wanted(end_of(parts, begun), request.receive, parts.stopping, seconds=seconds)
    except ClientGone:
        return Response(status_code=CLIENT_CLOSED)
    return reply({"reply": message.text, "conversationId": message.conversation_id, "messageId": message.id})


@router.post("/chat/stream", response_class=Response, responses=STREAM_DOC)
async def chat_stream(body: Chat, parts: Here, caller: Caller, idempotency_key: IdempotencyKey = None) -> Response:
    """The same as a stream of events. Hanging up doesn't stop the answer: its events can be followed from any of their ids."""
    must_be(body.user_id, caller)
    order = body.order(caller.user, idempotency_key)
    check_size(order, parts.settings)
    return AnswerStream(parts, caller, await begin(parts, order, alone=True))


@router.get("/history", responses=shows(History))
async def history(
    parts: Here,
    caller: Caller,
    conversation_id: Annotated[Id | None, Query(alias="conversationId")] = None,
    limit: Limit = 50,
) -> Response:
    """The newest messages, oldest first; of all conversations when none is named."""
    if conversation_id is None:
        state = await parts.ask(GET_STATE, GetState(user=caller.user, limit=limit))
        return reply(History(messages=state.messages))
    question = ListMessages(user=caller.user, conversation_id=conversation_id, limit=limit)
    return reply(History(messages=(await parts.ask(LIST_MESSAGES, question)).messages))


@router.post("/clear", responses=shows(Deleted))
async def clear(parts: Here, caller: Caller, body: Clear | None = None) -> Response:
    """Deletes one conversation of the caller, or all of them."""
    order = ClearHistory(user=caller.user, conversation_id=body.conversation_id if body else None)
    return reply(await parts.ask(CLEAR_HISTORY, order))
