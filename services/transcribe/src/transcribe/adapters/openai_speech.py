"""Other people's servers: `/audio/transcriptions` and `/audio/speech`, as OpenAI's libraries call them."""

import io
import wave
from typing import Any, Final

import httpx
from pydantic_core import from_json

from shared.contract.speech import Hearing, OggPlace, SpeechFormat, Voice
from shared.contract.transcript import Segment
from shared.errors import Refused, Unavailable
from transcribe.adapters.decoding import wave_of
from transcribe.adapters.mouths import Mouths
from transcribe.hearing import BYTES_PER_SECOND, RATE, Understood
from transcribe.speech import Spoken

TIMEOUT: Final = httpx.Timeout(120.0, connect=5.0)
MOST_BYTES: Final = 16 * 1024 * 1024
BARE_RATE: Final = 24_000
"""Of what has no header."""


class EngineRefused(Refused):
    """The server that understands speech, or speaks, refused this."""

    code, status = "engine_refused", 502


class OpenAIHearing:
    """Understands by asking a server. Always given WAV: some of them read nothing else."""

    def __init__(self, client: httpx.AsyncClient, base: str, model: str) -> None:
        self._client, self._url, self._model = client, base.rstrip("/") + "/audio/transcriptions", model
        self._detailed = True
        self.card = Hearing(engine="openai", model=model, languages=[])

    async def understand(self, pcm: bytes, language: str | None) -> Understood:
        """What is said. A server that does not know the details that are asked for is asked without them from then on."""
        fields = {"model": self._model}
        if language is not None:
            fields["language"] = language.partition("-")[0].lower()
        if self._detailed:
            response = await _sent(self._client, self._url, fields | {"response_format": "verbose_json"}, pcm)
            if response.status_code not in (400, 422):
                return _understood(_accepted(response), len(pcm) / BYTES_PER_SECOND)
            self._detailed = False
        response = await _sent(self._client, self._url, fields, pcm)
        return _understood(_accepted(response), len(pcm) / BYTES_PER_SECOND)


async def _sent(client: httpx.AsyncClient, url: str, fields: dict[str, str], pcm: bytes) -> httpx.Response:
    files = {"file": ("speech.wav", wave_of(pcm, RATE), "audio/wav")}
    try:
        return await client.post(url, data=fields, files=files)
    except httpx.HTTPError as error:
        raise Unavailable(f"The server that understands speech does not answer: {type(error).__name__}.") from None


def _accepted(response: httpx.Response) -> httpx.Response:
    if response.status_code == 429 or response.status_code >= 500:
        raise Unavailable(f"The server of the engine is in trouble: {response.status_code}.", retry_after=2.0)
    if not response.is_success:
        raise EngineRefused(reason=f"status {response.status_code}")
    return response


def _understood(response: httpx.Response, seconds: float) -> Understood:
    try:
        body: Any = from_json(response.content)
        found: list[Any] = body.get("segments") or []
        segments = [_segment(one) for one in found]
        text = str(body.get("text") or "").strip()
    except (ValueError, AttributeError, KeyError, TypeError):
        raise EngineRefused(reason="its answer can't be read") from None
    whole = (Segment(start=0.0, end=round(seconds, 2), text=text),) if text else ()
    language = body.get("language")
    return Understood(tuple(segments) or whole, language if isinstance(language, str) and language else None)


def _segment(one: Any) -> Segment:
    return Segment(start=float(one["start"]), end=float(one["end"]), text=str(one["text"]).strip())


class OpenAISpeech:
    """Speaks by asking a server; what it says is encoded here."""

    def __init__(self, client: httpx.AsyncClient, base: str, model: str, voices: tuple[str, ...], encoder: Mouths) -> None:
        self._client, self._url, self._model = client, base.rstrip("/") + "/audio/speech", model
        self._encoder = encoder
        self.voices = tuple(
            Voice(id=name, language="und", engine="openai", default=place == 0) for place, name in enumerate(voices)
        )

    async def say(
        self, text: str, voice: Voice, speed: float, form: SpeechFormat, place: OggPlace | None, *, last: bool
    ) -> Spoken:
        """One sentence as sound."""
        body = {"model": self._model, "input": text, "voice": voice.id, "response_format": "wav", "speed": speed}
        try:
            response = _accepted(await self._client.post(self._url, json=body))
        except httpx.HTTPError as error:
            raise Unavailable(f"The server that speaks does not answer: {type(error).__name__}.") from None
        pcm, rate = _samples(response.content[:MOST_BYTES])
        return await self._encoder.encode(pcm, rate, form, place, last=last)


def _samples(data: bytes) -> tuple[bytes, int]:
    """Of a WAV file, whose header may claim any length; else of bare samples."""
    if data[:4] != b"RIFF":
        return data[: len(data) // 2 * 2], BARE_RATE
    try:
        with wave.open(io.BytesIO(data)) as read:
            if read.getsampwidth() != 2 or read.getnchannels() != 1:
                raise EngineRefused(reason="its sound is not of one channel with 16 bits")
            return read.readframes(len(data)), read.getframerate()
    except (wave.Error, EOFError):
        raise EngineRefused(reason="its sound can't be read") from None
