"""Text as sound, sentence by sentence: the next one is spoken while the one before is being sent."""

import asyncio
import struct
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gateway.parts import Parts
from shared.contract.speech import MAX_SAID, SAY, OggPlace, Said, Say, SpeechFormat
from shared.errors import Unavailable
from shared.sentences import sentences

SAY_SECONDS: Final = 15.0
BARE_SAID: Final = 100
"""Characters of a sentence whose samples are sent as they are: ten times the bytes."""

LEAST_SAID: Final = 30
UNKNOWN_LENGTH: Final = 0xFFFF_FFFF
MEDIA: Final[dict[SpeechFormat, str]] = {
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
    "mp3": "audio/mpeg",
    "aac": "audio/aac",
}


@dataclass(frozen=True, slots=True)
class Manner:
    """How it is to be spoken."""

    voice: str | None = None
    language: str | None = None
    format: SpeechFormat = "opus"
    speed: float = 1.0

    @property
    def most(self) -> int:
        """Characters of one sentence: spoken slowly it takes more."""
        most = BARE_SAID if self.format in ("wav", "pcm") else MAX_SAID
        return max(LEAST_SAID, int(most * min(1.0, self.speed)))


async def said(parts: Parts, text: str, manner: Manner, place: OggPlace | None = None, *, last: bool = True) -> Said:
    """One sentence as sound. A worker that dies with it is not the last one. Raises NoVoice, Unavailable."""
    order = Say(
        text=text,
        voice=manner.voice,
        language=manner.language,
        format=manner.format,
        speed=manner.speed,
        place=place,
        last=last,
    )
    with suppress(Unavailable):
        return await parts.ask(SAY, order, seconds=SAY_SECONDS)
    return await parts.ask(SAY, order, seconds=SAY_SECONDS)


async def sound(parts: Parts, text: str, manner: Manner) -> AsyncGenerator[bytes, None]:
    """All of the text as one stream. Raises what the first sentence is refused with before anything is given."""
    whole = sentences(text, manner.most)
    streamed = manner if manner.format != "wav" else Manner(manner.voice, manner.language, "pcm", manner.speed)
    first = await said(parts, whole[0] if whole else "", streamed, last=len(whole) < 2)
    if manner.format == "wav":
        yield wav_head(first.rate)
    following = asyncio.ensure_future(_next(parts, whole, 1, streamed, first))
    try:
        yield first.data
        for number in range(2, len(whole) + 1):
            one = await following
            following = asyncio.ensure_future(_next(parts, whole, number, streamed, one))
            yield one.data if one is not None else b""
    finally:
        following.cancel()


async def _next(parts: Parts, whole: Sequence[str], number: int, manner: Manner, before: Said | None) -> Said | None:
    if number >= len(whole):
        return None
    place = None if before is None else before.place
    return await said(parts, whole[number], manner, place, last=number == len(whole) - 1)


def wav_head(rate: int) -> bytes:
    """The head of a WAV file whose length nobody knows yet."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    return b"RIFF" + struct.pack("<I", UNKNOWN_LENGTH) + b"WAVE" + form + b"data" + struct.pack("<I", UNKNOWN_LENGTH)
