"""Search in what was said and noted."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator
from starlette.responses import Response

from gateway.parts import Caller, Here
from gateway.replies import reply, shows
from gateway.requests import not_blank
from shared.contract.knowledge import SEARCH, Hits, Search
from shared.ids import Id

router = APIRouter(prefix="/api/v1/search", tags=["search"])


@router.get("", responses=shows(Hits))
async def search(
    parts: Here,
    caller: Caller,
    q: Annotated[str, Query(min_length=1, max_length=1_000), AfterValidator(not_blank)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    conversation_id: Annotated[Id | None, Query(alias="conversationId")] = None,
) -> Response:
    """Messages and notes of the caller that match, best first. Any text will do: only quotes mean something, a phrase."""
    parts.admission.change(caller.user)
    question = Search(user=caller.user, query=q, limit=limit, conversation_id=conversation_id)
    return reply(await parts.ask(SEARCH, question))
