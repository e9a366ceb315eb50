"""The calls of a front end that knows chats: thin routes on conversations."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response
from starlette.status import HTTP_202_ACCEPTED as ACCEPTED

from gateway.parameters import IdempotencyKey, Limit
from gateway.parts import Caller, Here
from gateway.replies import ChatReceipt, Chats, ChatWithMessages, reply, shows
from gateway.requests import ClassicMessage, check_size
from gateway.turn import begin, receipt
from shared.contract.memory import (
    GET_CONVERSATION,
    LIST_CONVERSATIONS,
    LIST_MESSAGES,
    GetConversation,
    ListConversations,
    ListMessages,
)
from shared.contract.objects import Conversation
from shared.ids import Id

router = APIRouter(tags=["short forms"])


@router.post("/sendMessage", status_code=ACCEPTED, responses=shows(ChatReceipt, ACCEPTED))
async def send_message(body: ClassicMessage, parts: Here, caller: Caller, idempotency_key: IdempotencyKey = None) -> Response:
    """Sends a message. Without `chatId` a chat is begun; its id is in the answer."""
    order = body.order(caller.user, idempotency_key)
    check_size(order, parts.settings)
    begun = await begin(parts, order)
    return reply({**receipt(begun, caller), "chatId": begun.accepted.conversation_id}, ACCEPTED)


@router.get("/listChats", responses=shows(Chats))
async def list_chats(parts: Here, caller: Caller, limit: Limit = 50) -> Response:
    """The caller's chats, newest first."""
    page = await parts.ask(LIST_CONVERSATIONS, ListConversations(user=caller.user, limit=limit))
    return reply({"chats": [_chat(conversation) for conversation in page.conversations]})


@router.get("/retrieveChat", responses=shows(ChatWithMessages))
async def retrieve_chat(
    chat_id: Annotated[Id, Query(alias="chatId")], parts: Here, caller: Caller, limit: Limit = 500
) -> Response:
    """One chat with its messages."""
    conversation = await parts.ask(GET_CONVERSATION, GetConversation(user=caller.user, conversation_id=chat_id))
    page = await parts.ask(LIST_MESSAGES, ListMessages(user=caller.user, conversation_id=chat_id, limit=limit))
    return reply({**_chat(conversation), "messages": [message.wire() for message in page.messages]})


def _chat(conversation: Conversation) -> dict[str, Any]:
    fields = conversation.wire()
    return {"chatId": fields.pop("id"), **fields}
