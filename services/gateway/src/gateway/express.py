"""The calls that turns begin with, past FastAPI, which only documents their functions: it would take 200 µs for each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.body import body_of, value_of
from gateway.exchange import exchange_of, header
from gateway.openai import CompletionRequest
from gateway.parts import Parts
from gateway.requests import MAX_KEY_LENGTH, Chat, PostMessage
from gateway.routes.ai import chat
from gateway.routes.chat import chat_stream
from gateway.routes.message import post_message
from gateway.routes.models import complete
from gateway.ui import UiRequest
from gateway.validation import explained
from shared.errors import Invalid


@dataclass(frozen=True, slots=True)
class Route:
    """What a call takes, and who answers it: given the body, the parts, the caller and the idempotency key."""

    body: type[BaseModel]
    answer: Callable[..., Awaitable[Response]]


ROUTES = {
    "/api/v1/message": Route(PostMessage, post_message),
    "/api/chat/stream": Route(Chat, chat_stream),
    "/v1/chat/completions": Route(CompletionRequest, complete),
    "/ai/chat": Route(UiRequest, chat),
}


class Express:
    """ASGI: answers these calls, and hands everything else on."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self.app = app
        self.parts = parts

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Awaiting it raises what a Fault says to the client."""
        route = ROUTES.get(scope["path"])
        if route is None or scope["method"] != "POST":
            return self.app(scope, receive, send)
        return self._serve(route, scope, receive, send)

    async def _serve(self, route: Route, scope: Scope, receive: Receive, send: Send) -> None:
        # Two steps: what was needed to accept a message is not kept while its answer streams.
        answer = await self._answer(route, scope, receive)
        if answer is not None:
            await answer(scope, receive, send)

    async def _answer(self, route: Route, scope: Scope, receive: Receive) -> Response | None:
        """None when the client went away before it had said what it wants."""
        parts = self.parts
        exchange_of(scope).route = scope["path"]
        with parts.admission.request():
            body = await body_of(scope, receive, parts.settings)
            if body is None:
                return None
            value = value_of(scope, body, parts.settings)
            caller = await parts.authenticator.identify(scope)
            return await route.answer(_checked(route.body, value), parts, caller, _key(scope))


def _checked(kind: type[BaseModel], value: Any) -> BaseModel:
    """Raises Invalid."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise explained(error.errors()) from None


def _key(scope: Scope) -> str | None:
    """The idempotency key. Raises Invalid."""
    key = header(scope, b"idempotency-key")
    if key is not None and not 0 < len(key) <= MAX_KEY_LENGTH:
        raise Invalid(f"Idempotency-Key must have 1 to {MAX_KEY_LENGTH} characters.")
    return key
