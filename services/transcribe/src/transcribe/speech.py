"""What speaking comes to, and who speaks."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contract.speech import OggPlace, Voice
from shared.errors import NoVoice


@dataclass(frozen=True, slots=True)
class Spoken:
    """The sound of one sentence. `place`: where an Ogg stream goes on."""

    data: bytes
    rate: int
    seconds: float
    place: OggPlace | None = None


def chosen(voices: Sequence[Voice], name: str | None, language: str | None) -> Voice:
    """The voice of this name, else the first of this language, else the default. Raises NoVoice.

    A name that nobody has is no reason to be silent: clients of other servers name voices that only those have.
    """
    if not voices:
        raise NoVoice
    named = next((voice for voice in voices if voice.id == name), None)
    if named is not None:
        return named
    default = next((voice for voice in voices if voice.default), voices[0])
    if language is None or _speaks(default, language):
        return default
    return next((voice for voice in voices if _speaks(voice, language)), default)


def _speaks(voice: Voice, language: str) -> bool:
    return voice.language.lower().partition("-")[0] == language.lower().partition("-")[0]
