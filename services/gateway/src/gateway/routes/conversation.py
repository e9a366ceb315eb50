"""Conversations and their messages."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response
from starlette.status import HTTP_201_CREATED

from gateway.parameters import IdempotencyKey, Limit, PageCursor
from gateway.parts import Caller, Here
from gateway.replies import reply, shows
from gateway.requests import ChangeConversation, NewConversation
from shared.contract.memory import (
    CREATE_CONVERSATION,
    DELETE_CONVERSATION,
    GET_CONVERSATION,
    LIST_CONVERSATIONS,
    LIST_MESSAGES,
    UPDATE_CONVERSATION,
    Conversations,
    CreateConversation,
    DeleteConversation,
    Deleted,
    GetConversation,
    ListConversations,
    ListMessages,
    Messages,
    UpdateConversation,
)
from shared.contract.objects import Conversation
from shared.ids import Id

router = APIRouter(prefix="/api/v1/conversations", tags=["conversations"])


@router.get("", responses=shows(Conversations))
async def list_conversations(parts: Here, caller: Caller, limit: Limit = 50, cursor: PageCursor = None) -> Response:
    """Newest first; `next` is the cursor of the next page."""
    page = await parts.ask(LIST_CONVERSATIONS, ListConversations(user=caller.user, limit=limit, cursor=cursor))
    return reply({**page.wire(), "next": page.next})


@router.post("", status_code=HTTP_201_CREATED, responses=shows(Conversation, HTTP_201_CREATED))
async def create_conversation(
    parts: Here, caller: Caller, body: NewConversation | None = None, key: IdempotencyKey = None
) -> Response:
    """An empty conversation. Temporary ones appear in no list and are forgotten."""
    body = body or NewConversation()
    order = CreateConversation(user=caller.user, client_id=key, **body.model_dump())
    return reply(await parts.ask(CREATE_CONVERSATION, order), HTTP_201_CREATED)


@router.get("/{conversation_id}", responses=shows(Conversation))
async def get_conversation(conversation_id: Id, parts: Here, caller: Caller) -> Response:
    """One conversation, without its messages."""
    question = GetConversation(user=caller.user, conversation_id=conversation_id)
    return reply(await parts.ask(GET_CONVERSATION, question))


@router.patch("/{conversation_id}", responses=shows(Conversation))
async def change_conversation(conversation_id: Id, body: ChangeConversation, parts: Here, caller: Caller) -> Response:
    """Changes what is given. `headId` shows the branch that ends in this message."""
    order = UpdateConversation(user=caller.user, conversation_id=conversation_id, **body.model_dump(exclude_none=True))
    return reply(await parts.ask(UPDATE_CONVERSATION, order))


@router.delete("/{conversation_id}", responses=shows(Deleted))
async def delete_conversation(conversation_id: Id, parts: Here, caller: Caller) -> Response:
    """Deletes the conversation with its messages; what still runs in it is stopped."""
    order = DeleteConversation(user=caller.user, conversation_id=conversation_id)
    return reply(await parts.ask(DELETE_CONVERSATION, order))


@router.get("/{conversation_id}/messages", responses=shows(Messages))
async def list_messages(
    conversation_id: Id,
    parts: Here,
    caller: Caller,
    before: Annotated[Id | None, Query()] = None,
    limit: Limit = 50,
    branch: bool = True,
) -> Response:
    """The newest messages before `before`, oldest first; `next` is the `before` of the page with older ones.

    With `branch=false` every message of the tree, otherwise only the branch that is shown.
    """
    question = ListMessages(user=caller.user, conversation_id=conversation_id, before=before, limit=limit, branch=branch)
    page = await parts.ask(LIST_MESSAGES, question)
    return reply({**page.wire(), "next": page.next})
