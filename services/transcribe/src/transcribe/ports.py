"""What this service needs from the world."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from shared.contract.speech import Hearing, OggPlace, SpeechFormat, Voice
from transcribe.hearing import Happening, Understood
from transcribe.speech import Spoken


class Sandbox(Protocol):
    """A confined process that reads one recording or session."""

    async def send(self, data: bytes) -> None:
        """More of the audio; returns when there is room for more."""
        ...

    async def end(self) -> None:
        """There is no more."""
        ...

    def events(self) -> AsyncGenerator[Happening, None]:
        """What happens in the audio, until its end. Raises what it is refused with, SandboxLost."""
        ...


class Sandboxes(Protocol):
    """Makes them."""

    def open(self, *, live: bool, seconds: float) -> AbstractAsyncContextManager[Sandbox]:
        """One for so many seconds of audio at most. Raises Busy while none can be made."""
        ...


class Engine(Protocol):
    """Understands recordings of up to half a minute: samples of 16 bits, one channel, 16,000 a second."""

    card: Hearing

    async def understand(self, pcm: bytes, language: str | None) -> Understood:
        """What is said in it. Raises Busy, Refused."""
        ...


class Speaker(Protocol):
    """Speaks."""

    voices: tuple[Voice, ...]

    async def say(
        self, text: str, voice: Voice, speed: float, form: SpeechFormat, place: OggPlace | None, *, last: bool
    ) -> Spoken:
        """One sentence as sound. Raises Busy, Refused."""
        ...
