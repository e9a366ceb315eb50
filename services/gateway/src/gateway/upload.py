"""Audio as it is uploaded: bounded while it is read, looked at by its first bytes, and stored piece by piece."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import StringConstraints, ValidationError
from starlette.types import Receive, Scope

from gateway.body import body_of, value_of
from gateway.exchange import header
from gateway.faults import TooSlow, WrongMedia
from gateway.form import BadForm, Form
from gateway.identity import Identity
from gateway.leaving import ClientGone
from gateway.parts import Parts
from gateway.requests import MAX_KEY_LENGTH, Request
from gateway.validation import explained
from shared.blobs import Blobs, BlobWriter
from shared.contract.speech import CREATE_TRANSCRIPT, Accounted, CreateTranscript
from shared.errors import Fault, Invalid, TooLarge, UnsupportedMedia
from shared.ids import new_id
from shared.media import HEAD_BYTES, container_of

FORM_BYTES: Final = 64 * 1024
"""What a form may have around its file."""

LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}")
RAW: Final = re.compile(r"(audio/.*|video/(webm|mp4|ogg)|application/(ogg|octet-stream))")

Address = Annotated[str, StringConstraints(min_length=9, max_length=2_048, pattern=r"^https?://")]


class Pointer(Request):
    """Where the audio lies."""

    url: Address
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The transcript that was ordered, and the fields that came with the audio."""

    transcript: Accounted
    fields: dict[str, list[str]]

    def field(self, name: str) -> str | None:
        """The first field of this name."""
        values = self.fields.get(name)
        return values[0] if values else None


async def uploaded(parts: Parts, caller: Identity, scope: Scope, receive: Receive, *, key: str | None = None) -> Uploaded:
    """Takes the audio of a request, in whatever form it comes, and orders its transcript.

    Raises UnsupportedMedia, TooLarge, BadForm, TooSlow, ClientGone, and what memory refuses it with.
    """
    parts.must_be_open()
    parts.admission.change(caller.user)
    kind = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
    if header(scope, b"content-encoding") not in {None, "identity"}:
        raise WrongMedia
    if kind == "application/json":
        return await _pointed(parts, caller, scope, receive, key)
    if kind != "multipart/form-data" and not RAW.fullmatch(kind):
        raise WrongMedia("Send a form with a file, or the audio itself, or JSON with its address.")
    return await _stored(parts, caller, _Incoming(parts, scope, receive), key)


async def _pointed(parts: Parts, caller: Identity, scope: Scope, receive: Receive, key: str | None) -> Uploaded:
    body = await body_of(scope, receive, parts.settings)
    if body is None:
        raise ClientGone
    try:
        pointer = Pointer.model_validate(value_of(scope, body, parts.settings))
    except ValidationError as error:
        raise explained(error.errors()) from None
    order = CreateTranscript(
        user=caller.user, id=new_id("tr"), url=pointer.url, language=language_of(pointer.language), key=key
    )
    return Uploaded(await parts.ask(CREATE_TRANSCRIPT, order), {})


async def _stored(parts: Parts, caller: Identity, incoming: "_Incoming", key: str | None) -> Uploaded:
    """The audio first, then the order. What is not ordered is erased: nobody would ever come for it."""
    blobs, transcript_id = Blobs(parts.bus), new_id("tr")
    writer = blobs.writer(caller.user, transcript_id, parts.settings.audio_bytes)
    try:
        digest = await _written(writer, incoming)
        order = CreateTranscript(
            user=caller.user, id=transcript_id, language=language_of(incoming.field("language")), key=key, digest=digest
        )
        created = await parts.ask(CREATE_TRANSCRIPT, order)
    except (Fault, ClientGone, asyncio.CancelledError):
        if writer.size:
            await asyncio.shield(blobs.erase(caller.user, transcript_id))
        raise
    if created.repeated:
        await blobs.erase(caller.user, transcript_id)
    return Uploaded(created, incoming.fields)


async def _written(writer: BlobWriter, incoming: "_Incoming") -> str:
    head: bytes | None = b""
    async with aclosing(incoming.audio()) as pieces:
        async for piece in pieces:
            if head is None:
                await writer.write(piece)
                continue
            head += piece
            if len(head) >= HEAD_BYTES:
                _check(head)
                await writer.write(head)
                head = None
    if head is not None:
        raise UnsupportedMedia("There is no audio in this.")
    return await writer.close()


def _check(head: bytes) -> None:
    if container_of(head) is None:
        raise UnsupportedMedia


def language_of(text: str | None) -> str | None:
    """A language tag. Raises Invalid."""
    if text is None or text == "":
        return None
    if not LANGUAGE.fullmatch(text):
        raise Invalid("language: must be a tag such as en or pt-BR", param="language")
    return text


def key_of(scope: Scope) -> str | None:
    """The idempotency key. Raises Invalid."""
    key = header(scope, b"idempotency-key")
    if key is not None and not 0 < len(key) <= MAX_KEY_LENGTH:
        raise Invalid(f"Idempotency-Key must have 1 to {MAX_KEY_LENGTH} characters.")
    return key


class _Incoming:
    """The body of a request: a form with a file, or the audio itself."""

    def __init__(self, parts: Parts, scope: Scope, receive: Receive) -> None:
        content_type = header(scope, b"content-type") or ""
        self._form = Form(content_type) if content_type.lower().startswith("multipart/") else None
        self._receive = receive
        self._limit = parts.settings.audio_bytes
        self._seconds = parts.settings.upload_seconds
        self.fields: dict[str, list[str]] = {}
        announced = header(scope, b"content-length") or "0"
        if announced.isdecimal() and int(announced) > self._limit + FORM_BYTES:
            raise _too_large(self._limit)

    def field(self, name: str) -> str | None:
        """A field of the form, when all of it was read."""
        values = self.fields.get(name)
        return values[0] if values else None

    async def audio(self) -> AsyncGenerator[bytes, None]:
        """The bytes of the audio. Raises TooSlow, TooLarge, BadForm, ClientGone."""
        size, more, until = 0, True, asyncio.get_running_loop().time() + self._seconds
        while more:
            data, more = await self._next(until)
            size += len(data)
            if size > self._limit + FORM_BYTES:
                raise _too_large(self._limit)
            piece = self._form.feed(data) if self._form is not None else data
            if piece:
                yield piece
        self._close()

    def _close(self) -> None:
        if self._form is None:
            return
        if not self._form.whole or not self._form.files:
            raise BadForm
        self.fields = self._form.fields

    async def _next(self, until: float) -> tuple[bytes, bool]:
        try:
            async with asyncio.timeout_at(until):
                event: Any = await self._receive()
        except TimeoutError:
            raise TooSlow from None
        if event["type"] == "http.disconnect":
            raise ClientGone
        return event.get("body", b""), event.get("more_body", False)


def _too_large(limit: int) -> TooLarge:
    return TooLarge("This recording is larger than this server takes.", limit=limit)
