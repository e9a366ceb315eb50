"""The service's side of the processes that speak."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog

from shared.contract.speech import OggPlace, Say, SpeechFormat, Voice
from shared.errors import Fault, Unavailable
from transcribe.adapters.apart import Apart, Refuses
from transcribe.adapters.frames import SOUND, frame
from transcribe.adapters.frames import START as ASK
from transcribe.speech import Spoken

log: structlog.stdlib.BoundLogger = structlog.get_logger()

START_SECONDS: Final = 30.0
SAY_SECONDS: Final = 15.0
STREAM_BYTES: Final = 4 * 1024 * 1024
WAITING: Final = 64
"""Sentences that may wait for one process."""


class NobodySpeaks(Fault):
    """What is to speak can't."""

    code, status = "speech_misconfigured", 500


class Mouth:
    """One process; it is begun again when it dies."""

    def __init__(self, engine: str, voice: str) -> None:
        self._apart = Apart("transcribe.adapters.mouth", engine, voice, limit=STREAM_BYTES)
        self._one = asyncio.Lock()
        self.waiting = 0
        self.voices: tuple[Voice, ...] = ()

    async def begin(self) -> None:
        """Starts it. Raises NobodySpeaks with the reason."""
        try:
            said = await self._apart.begin(START_SECONDS)
        except Refuses as reason:
            raise NobodySpeaks(str(reason)) from None
        self.voices = tuple(Voice.model_validate(voice) for voice in json.loads(said))

    async def ask(self, question: dict[str, Any], pcm: bytes | None = None) -> Spoken:
        """One sentence as sound. Raises Unavailable."""
        if self.waiting >= WAITING:
            raise Unavailable("Too many sentences wait to be spoken.")
        self.waiting += 1
        try:
            async with self._one:
                return await self._asked(question, pcm)
        finally:
            self.waiting -= 1

    async def _asked(self, question: dict[str, Any], pcm: bytes | None) -> Spoken:
        if not self._apart.runs:
            await self.begin()
        try:
            asked = frame(ASK, json.dumps(question).encode())
            self._apart.write(asked if pcm is None else asked + frame(SOUND, pcm))
            _, about = await self._apart.read(SAY_SECONDS)
            kind, data = await self._apart.read(SAY_SECONDS)
            if kind != SOUND:
                raise ValueError
            rate, seconds, place = json.loads(about)
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.CancelledError) as error:
            # Half an answer may be under way: another process begins with the next question.
            await asyncio.shield(self.end())
            if isinstance(error, asyncio.CancelledError):
                raise
            log.warning("mouth.died", reason=type(error).__name__)
            raise Unavailable("Speaking failed; try again.") from None
        return Spoken(data, rate, seconds, None if place is None else OggPlace.model_validate(place))

    async def end(self) -> None:
        """It is gone when this returns."""
        await self._apart.end()


class Mouths:
    """All of them: see `ports.Speaker`. A sentence goes to the one with the fewest waiting."""

    def __init__(self, mouths: list[Mouth]) -> None:
        self._mouths = mouths
        self.voices = mouths[0].voices

    async def say(
        self, text: str, voice: Voice, speed: float, form: SpeechFormat, place: OggPlace | None, *, last: bool
    ) -> Spoken:
        """One sentence as sound."""
        say = Say(text=text, voice=voice.id, speed=speed, format=form, place=place, last=last)
        return await self._idlest().ask({"say": say.wire()})

    async def encode(self, pcm: bytes, rate: int, form: SpeechFormat, place: OggPlace | None, *, last: bool) -> Spoken:
        """What was spoken elsewhere, in this form."""
        say = Say(text="", format=form, place=place, last=last)
        return await self._idlest().ask({"say": say.wire(), "rate": rate}, pcm)

    def _idlest(self) -> Mouth:
        return min(self._mouths, key=lambda mouth: mouth.waiting)


@asynccontextmanager
async def mouths(engine: str, voice: str, count: int) -> AsyncGenerator[Mouths]:
    """So many processes that speak. Raises NobodySpeaks."""
    made = [Mouth(engine, voice) for _ in range(count)]
    try:
        await asyncio.gather(*(mouth.begin() for mouth in made))
        yield Mouths(made)
    finally:
        await asyncio.gather(*(mouth.end() for mouth in made))
