"""Transcripts by their ids, text as sound, and who can speak."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import AfterValidator, Field
from starlette.responses import Response, StreamingResponse

from gateway.openai import Foreign
from gateway.parts import Caller, Here, Parts
from gateway.replies import Shown, reply, shows
from gateway.requests import Request, Text
from gateway.speech import MEDIA, Manner, sound
from gateway.upload import language_of
from shared.contract.speech import GET_TRANSCRIPT, LIST_VOICES, GetTranscript, ListVoices, SpeechFormat, Voices
from shared.contract.transcript import Transcript
from shared.errors import TooLarge
from shared.ids import Id

router = APIRouter(tags=["speech"])

SpokenText = Annotated[Text, Field(max_length=32_768)]
Name = Annotated[str, Field(max_length=128)]
Tag = Annotated[str, AfterValidator(language_of)]


class Speak(Request):
    """A text to be spoken. `format`: opus is Ogg/Opus."""

    text: SpokenText
    voice: Name | None = None
    language: Tag | None = None
    format: Literal["opus", "wav"] = "opus"
    speed: Annotated[float, Field(ge=0.25, le=4.0)] = 1.0


class SpeechRequest(Foreign):
    """A call of /v1/audio/speech. Whichever model is named, there is one here; an unknown voice is the default one."""

    model: Name | None = None
    input: SpokenText
    voice: Name | dict[str, Any] | None = None
    response_format: Literal["mp3", "opus", "aac", "wav", "pcm"] = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4.0)] = 1.0
    stream_format: Literal["audio"] = "audio"


def sounds(media: str, description: str) -> Shown:
    return {200: {"description": description, "content": {media: {"schema": {"type": "string", "format": "binary"}}}}}


@router.get("/api/v1/voice-upload/{transcript_id}", responses=shows(Transcript))
async def get_transcript(parts: Here, caller: Caller, transcript_id: Annotated[Id, Path()]) -> Response:
    """How far a recording is, and its text."""
    transcript = await parts.ask(GET_TRANSCRIPT, GetTranscript(user=caller.user, id=transcript_id))
    shown: dict[str, Any] = {**transcript.wire(), "transcriptJobId": transcript.id}
    return reply(shown)


@router.get("/api/v1/speech/voices", responses=shows(Voices))
async def list_voices(parts: Here, caller: Caller) -> Response:
    """Who can speak here, and what is understood. Without voices the client has to speak itself."""
    return reply(await parts.ask(LIST_VOICES, ListVoices()))


@router.post("/api/v1/speech", response_class=Response, responses=sounds("audio/ogg", "The sound, as it is made."))
async def speak(body: Speak, parts: Here, caller: Caller) -> Response:
    """The text as sound, sentence by sentence."""
    return await _spoken(parts, caller.user, body.text, Manner(body.voice, body.language, body.format, body.speed))


@router.post("/v1/audio/speech", tags=["openai"], response_class=Response, responses=sounds("audio/mpeg", "The sound."))
async def speech(body: SpeechRequest, parts: Here, caller: Caller) -> Response:
    """The same as OpenAI's libraries ask for it."""
    voice = body.voice if isinstance(body.voice, str) else None
    return await _spoken(parts, caller.user, body.input, Manner(voice, None, body.response_format, body.speed))


async def _spoken(parts: Parts, user: str, text: str, manner: Manner) -> Response:
    parts.must_be_open()
    parts.admission.change(user)
    if len(text.encode()) > parts.settings.text_bytes:
        raise TooLarge("The text is too long.", limit=parts.settings.text_bytes)
    stream = sound(parts, text, manner)
    # The first sentence decides whether there is an answer at all.
    first = await anext(stream)
    return StreamingResponse(_all(first, stream), media_type=_media(manner.format))


async def _all(first: bytes, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    yield first
    async for piece in stream:
        yield piece


def _media(form: SpeechFormat) -> str:
    return MEDIA[form]
