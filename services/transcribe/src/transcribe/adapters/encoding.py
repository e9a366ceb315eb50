"""Samples to what clients play, by PyAV."""

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

import av

from shared.contract.speech import OggPlace, SpeechFormat
from transcribe.adapters import ogg
from transcribe.adapters.decoding import wave_of
from transcribe.speech import Spoken

BIT_RATE: Final = 32_000
LOW, HIGH = 16_000, 24_000
"""What is encoded has one of these rates; what is sent bare always the higher one, as OpenAI's libraries expect."""

CONTAINERS: Final = {"mp3": ("mp3", "libmp3lame"), "aac": ("adts", "aac")}
OPTIONS: Final = {"mp3": {"write_xing": "0", "id3v2_version": "0"}, "aac": {}}
"""Nothing before the first frame: sentences are sent one behind the other."""


def encoded(pcm: bytes, rate: int, form: SpeechFormat, place: OggPlace | None, *, last: bool, serial: int) -> Spoken:
    """One sentence in this form."""
    seconds = len(pcm) / 2 / rate
    target = HIGH if form == "pcm" or rate > LOW else LOW
    samples = resampled(pcm, rate, target)
    match form:
        case "pcm":
            return Spoken(samples, target, seconds)
        case "wav":
            return Spoken(wave_of(samples, target), target, seconds)
        case "opus":
            data, behind = ogg.pages(_opus(samples, target), target, place or OggPlace(serial=serial), last=last)
            return Spoken(data, target, seconds, behind)
        case "mp3" | "aac":
            return Spoken(_contained(samples, target, form), target, seconds)


def resampled(pcm: bytes, rate: int, target: int) -> bytes:
    """The samples at another rate."""
    if rate == target or not pcm:
        return pcm
    resampler = av.AudioResampler(format="s16", layout="mono", rate=target)
    pieces = [piece for frame in (_frame(pcm, rate), None) for piece in resampler.resample(frame)]
    return b"".join(bytes(piece.planes[0])[: 2 * piece.samples] for piece in pieces)


def _frame(pcm: bytes, rate: int) -> av.AudioFrame:
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
    frame.planes[0].update(pcm.ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate = rate
    frame.time_base = Fraction(1, rate)
    return frame


def _opus(pcm: bytes, rate: int) -> list[bytes]:
    """Packets of 20 ms; the last one is filled up with silence."""
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.format, encoder.layout, encoder.bit_rate = rate, "s16", "mono", BIT_RATE
    encoder.time_base = Fraction(1, rate)
    encoder.options = {"application": "voip", "frame_duration": "20"}
    return [bytes(packet) for frame in (*_pieces(pcm, rate), None) for packet in encoder.encode(frame)]


def _pieces(pcm: bytes, rate: int) -> Iterator[av.AudioFrame]:
    size = 2 * rate // 50
    for number, start in enumerate(range(0, len(pcm), size)):
        frame = _frame(pcm[start : start + size].ljust(size, b"\0"), rate)
        frame.pts = number * size // 2
        yield frame


def _contained(pcm: bytes, rate: int, form: SpeechFormat) -> bytes:
    container, codec = CONTAINERS[form]
    sink = io.BytesIO()
    with av.open(sink, "w", format=container, options=OPTIONS[form]) as output:
        stream: Any = output.add_stream(codec, rate=rate, layout="mono")
        stream.bit_rate = 2 * BIT_RATE
        resampler = av.AudioResampler(format=stream.codec_context.format.name, layout="mono", rate=rate)
        for frame in (_frame(pcm, rate), None) if pcm else ():
            for piece in resampler.resample(frame):
                output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return sink.getvalue()
