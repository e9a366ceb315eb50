"""Speech out: one sentence at a time becomes sound."""

import time

from shared.contract.speech import Hearing, ListVoices, Said, Say, Voices
from transcribe import metrics
from transcribe.ports import Speaker
from transcribe.speech import chosen


class Speaking:
    """Answers SAY and LIST_VOICES."""

    def __init__(self, speaker: Speaker, hearing: Hearing) -> None:
        self._speaker, self._hearing = speaker, hearing

    async def say(self, question: Say) -> Said:
        """The sentence as sound."""
        began = time.monotonic()
        voice = chosen(self._speaker.voices, question.voice, question.language)
        spoken = await self._speaker.say(
            question.text, voice, question.speed, question.format, question.place, last=question.last
        )
        metrics.SAY_SECONDS.observe(time.monotonic() - began)
        metrics.AUDIO_OUT.labels(voice.id).inc(spoken.seconds)
        return Said(data=spoken.data, rate=spoken.rate, seconds=spoken.seconds, place=spoken.place)

    async def list_voices(self, _: ListVoices) -> Voices:
        """Who can speak here, and what is understood."""
        return Voices(voices=list(self._speaker.voices), hearing=self._hearing)
