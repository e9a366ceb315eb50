"""Models and completions as OpenAI's libraries ask for them."""

import time
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import end_of
from gateway.completing import CompletionStream, hang_up
from gateway.leaving import ClientGone, while_wanted
from gateway.openai import CompletionRequest, completion
from gateway.parts import Caller, Here
from gateway.replies import Completion, ListedModel, ModelList, reply, shows
from gateway.routes.chat import CLIENT_CLOSED
from gateway.turn import begin
from shared.contract.inference import LIST_MODELS, ListModels, Model
from shared.errors import UnknownModel

router = APIRouter(prefix="/v1", tags=["openai"])


@router.get("/models", responses=shows(ModelList))
async def list_models(parts: Here, caller: Caller) -> Response:
    """Every model that can be named; the first one is the default."""
    models = (await parts.ask(LIST_MODELS, ListModels())).models
    return reply({"object": "list", "data": [_model(model) for model in models]})


@router.get("/models/{model:path}", responses=shows(ListedModel))
async def get_model(model: str, parts: Here, caller: Caller) -> Response:
    """One model."""
    for known in (await parts.ask(LIST_MODELS, ListModels())).models:
        if known.id == model:
            return reply(_model(known))
    raise UnknownModel


@router.post("/chat/completions", responses=shows(Completion))
async def complete(body: CompletionRequest, request: Request, parts: Here, caller: Caller) -> Response:
    """Answers what the client brought along; nothing of it appears in the user's lists. Hanging up stops it."""
    begun = await begin(parts, body.order(caller.user, parts.settings.completion_bytes))
    if body.stream:
        return CompletionStream(parts, begun, body)
    try:
        seconds = parts.settings.answer_seconds
        answer = await while_wanted(end_of(parts, begun), request.receive, parts.stopping, seconds=seconds)
    except ClientGone:
        await hang_up(parts, begun)
        return Response(status_code=CLIENT_CLOSED)
    completion_id = "chatcmpl-" + begun.accepted.generation_id
    return reply(completion(answer, completion_id, int(time.time()), body.model or ""))


def _model(model: Model) -> dict[str, Any]:
    return {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": "colloquy" if model.kind == "embedded" else "upstream",
        "description": model.description,
        "kind": model.kind,
        "context_length": model.context,
        "max_output": model.max_output,
        "pricing": {"prompt": model.prompt_price, "completion": model.completion_price, "unit": "USD per million tokens"},
        "capabilities": model.capabilities or [],
        "fallback": model.fallback or [],
    }
