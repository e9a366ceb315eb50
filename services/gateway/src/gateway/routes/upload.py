"""The addresses that take audio, in front of FastAPI, which would read all of it first."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.exchange import exchange_of
from gateway.identity import Identity
from gateway.leaving import ClientGone, while_wanted
from gateway.parts import Parts
from gateway.replies import reply
from gateway.subtitles import shape_of, shaped
from gateway.transcripts import text_of
from gateway.upload import key_of, uploaded
from shared.contract.transcript import Transcript

Answering = Callable[[Parts, Identity, Scope, Receive], Awaitable[Response]]

CLIENT_CLOSED = 499


async def begin(parts: Parts, caller: Identity, scope: Scope, receive: Receive) -> Response:
    """Takes the audio; its text is told when there is one."""
    upload = await uploaded(parts, caller, scope, receive, key=key_of(scope))
    return reply({"transcriptJobId": upload.transcript.id, "status": upload.transcript.status}, 202)


async def transcribe(parts: Parts, caller: Identity, scope: Scope, receive: Receive) -> Response:
    """Takes the audio, and waits for the text."""
    upload = await uploaded(parts, caller, scope, receive, key=key_of(scope))
    transcript = await _waited(parts, caller, upload.transcript.id, receive)
    return reply(
        {
            "text": transcript.text or "",
            "language": transcript.language,
            "durationSeconds": transcript.duration_seconds,
            "transcriptJobId": transcript.id,
        }
    )


async def transcription(parts: Parts, caller: Identity, scope: Scope, receive: Receive) -> Response:
    """The same as OpenAI's libraries ask for it. Which model is asked for does not matter: there is one."""
    upload = await uploaded(parts, caller, scope, receive)
    shape = shape_of(upload)
    return shaped(await _waited(parts, caller, upload.transcript.id, receive), shape)


async def _waited(parts: Parts, caller: Identity, transcript_id: str, receive: Receive) -> Transcript:
    waiting = text_of(parts, caller.user, transcript_id)
    return await while_wanted(waiting, receive, parts.stopping, seconds=parts.settings.transcript_seconds)


ROUTES: dict[str, Answering] = {
    "/api/v1/voice-upload": begin,
    "/api/transcribe": transcribe,
    "/v1/audio/transcriptions": transcription,
}


class Uploads:
    """ASGI: answers these addresses, and hands everything else on."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self.app = app
        self.parts = parts

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Awaiting it raises what a Fault says to the client."""
        answering = ROUTES.get(scope["path"])
        if answering is None or scope["method"] != "POST":
            return self.app(scope, receive, send)
        return self._serve(answering, scope, receive, send)

    async def _serve(self, answering: Answering, scope: Scope, receive: Receive, send: Send) -> None:
        exchange_of(scope).route = scope["path"]
        with self.parts.admission.request():
            caller = await self.parts.authenticator.identify(scope)
            try:
                response = await answering(self.parts, caller, scope, receive)
            except ClientGone:
                response = Response(status_code=CLIENT_CLOSED)
        await response(scope, receive, send)


def _operation(summary: str, description: str, status: str, answer: dict[str, str]) -> dict[str, Any]:
    binary = {"type": "string", "format": "binary"}
    form = {"type": "object", "required": ["file"], "properties": {"file": binary, "language": {"type": "string"}}}
    pointer = {"type": "object", "required": ["url"], "properties": {"url": {"type": "string"}, "language": {"type": "string"}}}
    schema = {"type": "object", "properties": {name: {"type": kind} for name, kind in answer.items()}}
    refused = {"413": "`too_large`", "415": "`unsupported_media`", "422": "`invalid_request`", "429": "`rate_limited`"}
    return {
        "tags": ["speech"],
        "summary": summary,
        "description": description,
        "operationId": summary.lower().replace(" ", "_"),
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                "application/json": {"schema": pointer},
                "audio/*": {"schema": binary},
            },
        },
        "responses": {
            status: {"description": "Taken.", "content": {"application/json": {"schema": schema}}},
            **{code: {"description": description} for code, description in refused.items()},
        },
    }


_BEGUN = {"transcriptJobId": "string", "status": "string"}
_TEXT = {"text": "string", "language": "string", "durationSeconds": "number", "transcriptJobId": "string"}
PATHS: dict[str, dict[str, Any]] = {
    "/api/v1/voice-upload": {
        "post": _operation("Upload speech", "WebM, Ogg, WAV, MP3, M4A or FLAC becomes text.", "202", _BEGUN)
    },
    "/api/transcribe": {"post": _operation("Transcribe speech", "The same, and waits for the text.", "200", _TEXT)},
    "/v1/audio/transcriptions": {
        "post": _operation("Transcribe as OpenAI does", "A form as OpenAI's libraries send it.", "200", {"text": "string"})
    },
}
"""These addresses for the OpenAPI document."""
