"""Chats as the AI SDK's `useChat` has them: send, resume, stop."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response
from starlette.status import HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from gateway.identity import Identity
from gateway.parameters import IdempotencyKey, Limit
from gateway.parts import Caller, Here, Parts
from gateway.replies import BeingStopped, Shown, reply, shows
from gateway.requests import check_size
from gateway.turn import Begun, begin, noted
from gateway.ui import UiRequest
from gateway.ui_history import UiHistory, ui_message
from gateway.ui_stream import UiStream
from shared.contract.acting import DECIDE_APPROVAL, LIST_APPROVALS, DecideApproval, ListApprovals
from shared.contract.memory import (
    EDIT_MESSAGE,
    LIST_MESSAGES,
    REGENERATE,
    STOP_GENERATION,
    Accepted,
    EditMessage,
    ListMessages,
    Regenerate,
    StopGeneration,
)
from shared.contract.objects import ChatMessage
from shared.contract.subjects import conversation_scope, token_log, user_scope
from shared.errors import TooLarge, UnknownConversation, UnknownMessage
from shared.ids import chat_ids

router = APIRouter(prefix="/ai", tags=["ai sdk"])

OPEN = frozenset({"pending", "streaming"})
LOOKED_AT = 200
"""The newest messages among which those are looked for that a client names."""

STREAM_DOC: Shown = {
    200: {
        "description": "A UI message stream, `x-vercel-ai-ui-message-stream: v1`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
RESUME_DOC: Shown = {**STREAM_DOC, 204: {"description": "Nothing runs."}}
Chat = Annotated[str, Path(min_length=1, max_length=255)]


@router.post("/chat", response_class=Response, responses=STREAM_DOC)
async def chat(body: UiRequest, parts: Here, caller: Caller, _key: IdempotencyKey = None) -> Response:
    """Answers the newest message; what came before is what is stored here. Hanging up doesn't stop the answer.

    `model`, `persona` and `language` may stand beside what the library sends.
    """
    if decisions := body.decisions():
        return await _decided(body, decisions, parts, caller)
    begun = await _again(body, parts, caller)
    if begun is None:
        order = body.order(caller.user)
        check_size(order, parts.settings)
        begun = await begin(parts, order, alone=True)
    return UiStream(parts, caller, begun, replay=begun.accepted.repeated)


@router.get("/chat/{chat:path}/stream", response_class=Response, responses=RESUME_DOC)
async def resume(chat: Chat, parts: Here, caller: Caller) -> Response:
    """The running answer of a chat, from its first part on: what there is of it in few parts, then live."""
    # The place first, then the question: what ends in between comes after it.
    now = await parts.feed.head(user_scope(caller.user))
    messages = await _messages(parts, caller, chat)
    running = next((message for message in messages if message.status in OPEN), None)
    if running is None:
        return Response(status_code=HTTP_204_NO_CONTENT)
    accepted = _accepted(running)
    part = conversation_scope(caller.user, accepted.conversation_id)
    log = token_log(caller.user, accepted.conversation_id, accepted.generation_id)
    after = await parts.feed.before(part, log) or now
    return UiStream(parts, caller, Begun(caller.user, accepted, after), replay=True)


@router.post("/chat/{chat:path}/stop", status_code=HTTP_202_ACCEPTED, responses=shows(BeingStopped, HTTP_202_ACCEPTED))
async def stop(chat: Chat, parts: Here, caller: Caller) -> Response:
    """Stops what runs in this chat. Its stream ends with `abort`. Saying it twice does no harm."""
    for conversation in chat_ids(caller.user, chat):
        try:
            stopping = await parts.ask(STOP_GENERATION, StopGeneration(user=caller.user, conversation_id=conversation))
        except UnknownConversation:
            continue
        return reply({"status": "stopping", "generationIds": stopping.generation_ids}, HTTP_202_ACCEPTED)
    raise UnknownConversation


@router.get("/chat/{chat:path}", responses=shows(UiHistory))
async def history(chat: Chat, parts: Here, caller: Caller, limit: Limit = 50) -> Response:
    """What was said in a chat, as `messages` for `useChat`; the answer that runs is left to `resume`."""
    messages = await _messages(parts, caller, chat, limit)
    return reply({"id": chat, "messages": [ui_message(message) for message in messages if message.status not in OPEN]})


async def _again(body: UiRequest, parts: Parts, caller: Identity) -> Begun | None:
    """Another answer, or one to another version of a message; None when what it is about is not stored."""
    regenerates = body.trigger == "regenerate-message"
    if not regenerates and body.message_id is None:
        return None
    messages = (await _messages(parts, caller, body.id))[::-1]
    asked = body.stored(messages)
    if not regenerates and asked is not None:
        return await _edited(body, asked, parts, caller)
    if not regenerates:
        return None
    named = next((one for one in messages if one.id == body.message_id), None)
    about = named or asked or next((one for one in messages if one.role in ("user", "tool")), None)
    if about is None:
        return None
    order = Regenerate(user=caller.user, conversation_id=about.conversation_id, message_id=about.id)
    return await noted(parts, REGENERATE, order)


async def _edited(body: UiRequest, asked: ChatMessage, parts: Parts, caller: Identity) -> Begun:
    text = body.question()
    if len(text.encode()) > parts.settings.text_bytes:
        raise TooLarge("The text is too long.", limit=parts.settings.text_bytes)
    order = EditMessage(user=caller.user, message_id=asked.id, text=text, client_message_id=body.edited_key)
    return await noted(parts, EDIT_MESSAGE, order)


async def _decided(body: UiRequest, decisions: dict[str, bool], parts: Parts, caller: Identity) -> Response:
    """Hands the user's decisions on, and goes on with the answer that waited for them."""
    after = await parts.feed.head(user_scope(caller.user))
    messages = await _messages(parts, caller, body.id)
    answer = next((one for one in messages if one.id == body.last.id and one.generation_id is not None), None)
    if answer is None:
        raise UnknownMessage
    question = ListApprovals(user=caller.user, conversation_id=answer.conversation_id)
    for approval in (await parts.ask(LIST_APPROVALS, question)).approvals:
        if approval.id in decisions:
            order = DecideApproval(
                user=caller.user,
                approval_id=approval.id,
                decision="approve" if decisions[approval.id] else "reject",
                arguments_hash=approval.arguments_hash,
            )
            await parts.ask(DECIDE_APPROVAL, order)
    return UiStream(parts, caller, Begun(caller.user, _accepted(answer), after), body.known())


async def _messages(parts: Parts, caller: Identity, chat: str, limit: int = LOOKED_AT) -> list[ChatMessage]:
    """The newest messages of the conversation that this client means, oldest first; none when there is no such."""
    for conversation in chat_ids(caller.user, chat):
        question: Any = ListMessages(user=caller.user, conversation_id=conversation, limit=limit)
        try:
            return (await parts.ask(LIST_MESSAGES, question)).messages
        except UnknownConversation:
            continue
    return []


def _accepted(answer: ChatMessage) -> Accepted:
    return Accepted(
        conversation_id=answer.conversation_id,
        message_id=answer.parent_id or "",
        answer_id=answer.id,
        generation_id=answer.generation_id or "",
        queue_position=0,
        repeated=True,
    )
