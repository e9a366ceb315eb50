"""The JSON routes as one FastAPI application."""

from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.exchange import exchange_of
from gateway.faults import BadRequest, Internal, UnknownRoute, WrongMethod
from gateway.parts import Parts
from gateway.rendering import rendered
from gateway.requests import Request as Body
from gateway.routes import (
    account,
    ai,
    approval,
    calendar,
    chat,
    classic,
    conversation,
    errand,
    internal,
    machines,
    message,
    models,
    note,
    page,
    persona,
    pinned,
    plan,
    preference,
    schedule,
    search,
    session,
    sign_in,
    state,
    stream,
    task,
    travel,
    upload,
    usage,
    voice,
    workflow,
)
from gateway.validation import explained
from shared import __version__
from shared.errors import Fault

DESCRIPTION = """A back end for AI conversation that does not lose an answer.

Errors are `{"error": {"code", "message", "requestId"}}`; 429, 503 and 507 carry `Retry-After`."""


PERSON = (task, note, pinned, preference, plan, calendar, persona, search, approval, usage)
SPEECH = (voice,)
WORK = (workflow, schedule, errand, travel)
OTHERS = (account, chat, classic, models, ai, internal, session, sign_in, machines, page)
REQUESTS = {kind.__name__ for kind in Body.__subclasses__()}


class Error(BaseModel):
    """What went wrong. Some codes add details."""

    code: str
    message: str
    requestId: str  # noqa: N815 - for the document only


class Failure(BaseModel):
    """The shape of every error outside /v1."""

    error: Error


def api(parts: Parts) -> FastAPI:
    """Every route but the streams."""
    app = FastAPI(
        title="Colloquy",
        version=__version__,
        description=DESCRIPTION,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json" if parts.settings.docs else None,
        responses={"default": {"model": Failure, "description": "What went wrong, by a code that is stable."}},
    )
    app.state.parts = parts
    for noun in (
        message,
        conversation,
        state,
        *PERSON,
        *WORK,
        *SPEECH,
        account,
        chat,
        classic,
        models,
        ai,
        internal,
        session,
        sign_in,
        machines,
        page,
    ):
        app.include_router(noun.router)
    for kind in (Fault, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _answer)
    app.openapi = lambda: _document(app)
    return app


async def _answer(request: Request, error: Exception) -> Response:
    status, headers, body = rendered(_fault(error), request.url.path, exchange_of(request.scope).request_id)
    response = Response(body, status)
    response.raw_headers = headers
    return response


def _fault(error: Exception) -> Fault:
    """What to tell the client about an error that FastAPI met."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, RequestValidationError):
        return explained(error.errors())
    if not isinstance(error, HTTPException):
        return Internal()
    if error.status_code == UnknownRoute.status:
        return UnknownRoute()
    if error.status_code == WrongMethod.status:
        return WrongMethod(allow=(error.headers or {}).get("allow", (error.headers or {}).get("Allow", "")))
    return BadRequest()


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        for path, operations in {**stream.PATHS, **upload.PATHS}.items():
            document["paths"].setdefault(path, {}).update(operations)
        for name, schema in document["components"]["schemas"].items():
            if name not in REQUESTS:  # answers may have more fields at any time
                _open(schema)
        app.openapi_schema = document
    return app.openapi_schema


def _open(schema: dict[str, Any]) -> None:
    if schema.get("additionalProperties") is False:
        del schema["additionalProperties"]
