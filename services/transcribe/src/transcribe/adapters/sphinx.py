"""pocketsphinx: finds where speech begins and ends, and understands English, with the model in its own wheel.

It holds the interpreter's lock while it computes, so it never runs in a process that does anything else.
"""

from collections.abc import Generator
from typing import Any, Final

from pocketsphinx import Decoder, Endpointer, set_loglevel  # pyright: ignore[reportUnknownVariableType]

from transcribe.hearing import BYTES_PER_SECOND, RATE, Began, Ceased, Partial, Sound

BEAM: Final = 3_000
"""Hypotheses a frame. Half the computing of the default, with the same errors on clean speech (measured)."""

MOST_SECONDS: Final = 20.0
"""An utterance is cut here: its end costs the more the longer it is, 8 s of computing after 300 s (measured)."""

PARTIAL_SECONDS: Final = 0.15


def loaded() -> Any:
    """The decoder with its model: 0.5 s and 145 MB, which children share."""
    set_loglevel("FATAL")
    made: Any = Decoder(samprate=RATE, maxhmmpf=BEAM)  # pyright: ignore[reportUnknownVariableType]
    return made  # pyright: ignore[reportUnknownVariableType]


class Ear:
    """Cuts samples into utterances. With a decoder it understands them too; without, it hands on the speech."""

    def __init__(self, decoder: Any | None) -> None:
        self._decoder = decoder
        self._endpointer: Any = Endpointer(sample_rate=RATE)
        self._frame: int = self._endpointer.frame_bytes
        self._rest = b""
        self._position = 0.0
        self._start = 0.0
        self._open = False
        self._text = ""
        self._told = 0.0

    @property
    def seconds(self) -> float:
        """How much was heard."""
        return self._position

    def hear(self, pcm: bytes) -> Generator[Began | Sound | Partial | Ceased, None, None]:
        """What happens in these samples."""
        data = self._rest + pcm
        whole = len(data) // self._frame * self._frame
        self._rest = data[whole:]
        for place in range(0, whole, self._frame):
            yield from self._step(self._endpointer.process(data[place : place + self._frame]), self._frame)

    def close(self) -> Generator[Began | Sound | Partial | Ceased, None, None]:
        """What is left at the end."""
        if self._rest:
            rest, self._rest = self._rest, b""
            yield from self._step(self._endpointer.end_stream(rest), len(rest))
        if self._open:
            yield self._cease(self._position)

    def _step(self, speech: bytes | None, size: int) -> Generator[Began | Sound | Partial | Ceased, None, None]:
        self._position += size / BYTES_PER_SECOND
        if speech is None:
            return
        if not self._open:
            yield self._begin(self._endpointer.speech_start)
        yield from self._take(speech)
        if not self._endpointer.in_speech:
            yield self._cease(self._endpointer.speech_end)
        elif self._position - self._start > MOST_SECONDS:
            yield self._cease(self._position)

    def _begin(self, start: float) -> Began:
        # After a cut the endpointer still names the beginning of all of it.
        self._start = max(start, self._start)
        self._open, self._text = True, ""
        if self._decoder is not None:
            self._decoder.start_utt()
        return Began(round(self._start, 2))

    def _take(self, speech: bytes) -> Generator[Sound | Partial, None, None]:
        if self._decoder is None:
            yield Sound(speech)
            return
        if speech:  # an empty one raises IndexError
            self._decoder.process_raw(speech)
        if self._position - self._told >= PARTIAL_SECONDS:
            self._told = self._position
            text = _text(self._decoder)
            if text and text != self._text:
                self._text = text
                yield Partial(text)

    def _cease(self, end: float) -> Ceased:
        start, self._start, self._open = self._start, end, False
        if self._decoder is None:
            return Ceased(round(start, 2), round(end, 2))
        self._decoder.end_utt()
        return Ceased(round(start, 2), round(end, 2), _text(self._decoder))


def _text(decoder: Any) -> str:
    hypothesis = decoder.hyp()
    return "" if hypothesis is None else hypothesis.hypstr
