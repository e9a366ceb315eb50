"""Models and completions as OpenAI's libraries ask for them."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.completing import CompletionAnswer, CompletionStream
from gateway.openai import CompletionRequest
from gateway.parameters import IdempotencyKey
from gateway.parts import Caller, Here
from gateway.replies import Completion, ListedModel, ModelList, reply, shows
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
async def complete(body: CompletionRequest, parts: Here, caller: Caller, idempotency_key: IdempotencyKey = None) -> Response:
    """Answers what the client brought along; nothing of it appears in the user's lists, and hanging up stops it. With
    `metadata.conversation_id` it is the next message of that conversation, and hanging up stops nothing.

    Calls of `tools` are for the client to carry out.
    """
    order = body.order(caller.user, parts.settings.completion_bytes, idempotency_key)
    begun = await begin(parts, order, alone=True)
    return (CompletionStream if body.stream else CompletionAnswer)(parts, begun, body)


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
