"""Speech for tests: sentences, spoken by flite, encoded as browsers do; and how many words of it were understood."""

import io
import random
from array import array
from collections.abc import Iterator
from functools import cache

import av
import pytest

from transcribe.adapters.flite import Flite

SENTENCES = (
    "please remind me to call the doctor tomorrow morning",
    "the meeting with the design team is on friday",
    "i would like a cup of coffee and a piece of cake",
    "what is the weather going to be like this weekend",
    "i am going to the library to read a book",
    "we should leave before it gets dark outside",
)
RATE = 16_000


@cache
def flite() -> Flite:
    """flite, or the test is skipped: `apt install flite`."""
    try:
        return Flite()
    except OSError as error:
        pytest.skip(f"flite is not installed: {error}")


@cache
def spoken(text: str, pause: float = 0.8) -> bytes:
    """Samples at 16 kHz, with a quiet room before and after."""
    pcm, rate = flite().synthesize(text, "flite-slt", 1.0)
    assert rate == RATE
    return quiet(0.5) + pcm + quiet(pause)


def quiet(seconds: float) -> bytes:
    """A room in which nobody speaks."""
    noise = random.Random(0)
    return array("h", [round(noise.gauss(0, 8)) for _ in range(int(seconds * RATE))]).tobytes()


def encoded(pcm: bytes, form: str = "webm", codec: str = "libopus", **options: str) -> bytes:
    """The samples in a container."""
    sink = io.BytesIO()
    with av.open(sink, "w", format=form, options=options) as output:
        _encode(output, pcm, codec)
    return sink.getvalue()


def _encode(output, pcm: bytes, codec: str) -> None:
    rate = 48_000 if codec == "libopus" else RATE
    stream = output.add_stream(codec, rate=rate, layout="mono")
    resampler = av.AudioResampler(format=stream.codec_context.format.name, layout="mono", rate=rate)
    for frame in (*_frames(pcm), None):
        for piece in resampler.resample(frame):
            output.mux(stream.encode(piece))
    output.mux(stream.encode(None))


def _frames(pcm: bytes) -> Iterator[av.AudioFrame]:
    for start in range(0, len(pcm), RATE):
        samples = pcm[start : start + RATE]
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples) // 2)
        frame.planes[0].update(samples.ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate = RATE
        yield frame


def understood(said: str, heard: str) -> float:
    """The share of the words that were understood, in their order: 1 minus the word error rate, at least 0."""
    words, others = said.lower().split(), heard.lower().split()
    costs = list(range(len(others) + 1))
    for row, word in enumerate(words, start=1):
        before, costs[0] = costs[0], row
        for column, other in enumerate(others, start=1):
            here = min(costs[column] + 1, costs[column - 1] + 1, before + (word != other))
            before, costs[column] = costs[column], here
    return max(0.0, 1 - costs[-1] / len(words))
