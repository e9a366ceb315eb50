"""Foreign bytes to samples, by PyAV. Runs in a confined process only; what a header claims is never believed (F37).

The demuxer is forced by how the bytes begin, so that FFmpeg never probes; nothing else is ever opened; codecs are on a list;
rate, channels and duration are counted on what comes out.
"""

import importlib
import io
import pkgutil
import time
import wave
from collections.abc import Callable, Generator, Iterator
from typing import Any, Final, NoReturn, Protocol, cast

import av
import av.error

from shared.errors import AudioTooLong, BrokenAudio, Refused, UnsupportedMedia
from shared.media import HEAD_BYTES, Container, container_of
from transcribe.hearing import RATE

# PyAV does not enforce FFmpeg's own `codec_whitelist` (measured): the name is looked at here.
CODECS: Final = frozenset(
    {
        *("opus", "libopus", "vorbis", "libvorbis", "aac", "mp3", "mp3float", "mp2", "flac", "alac"),
        *("pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_u8", "pcm_mulaw", "pcm_alaw"),
    }
)
LEAST_RATE, MOST_RATE, MOST_CHANNELS = 4_000, 192_000, 8
MOST_STREAMS: Final = "8"
BAD_PACKETS: Final = 50
PROBING_SECONDS: Final = 6.0
"""How long looking at the packets of a recording may take before any of them is decoded."""


def load_everything() -> None:
    """All of PyAV: it imports parts of itself when it meets them first, and a confined process can't open a file."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    rehearsal = wave_of(bytes(RATE // 5), RATE)
    probe(io.BytesIO(rehearsal), "wav", 1.0)
    list(samples(io.BytesIO(rehearsal), "wav", 1.0))


def wave_of(pcm: bytes, rate: int) -> bytes:
    """The samples as a WAV file."""
    sink = io.BytesIO()
    with wave.open(sink, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes(pcm)
    return sink.getvalue()


class Source(Protocol):
    """Where the bytes come from."""

    def read(self, size: int = -1, /) -> bytes:
        """Some bytes, at most so many; none at the end."""
        ...


class Joined:
    """A source whose beginning was read already."""

    def __init__(self, head: bytes, rest: Source) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int = -1) -> bytes:
        """The beginning first."""
        if not self._head:
            return self._rest.read(size)
        size = len(self._head) if size < 0 else size
        part, self._head = self._head[:size], self._head[size:]
        return part


def head_of(source: Source) -> bytes:
    """The first bytes. Raises UnsupportedMedia when there are none, or too few."""
    head = b""
    while len(head) < HEAD_BYTES:
        part = source.read(HEAD_BYTES - len(head))
        if not part:
            raise UnsupportedMedia("There is no audio in this.")
        head += part
    return head


def container(head: bytes) -> Container:
    """The container that the bytes begin like. Raises UnsupportedMedia."""
    found = container_of(head)
    if found is None:
        raise UnsupportedMedia
    return found


def probe(source: Any, kind: Container, most_seconds: float) -> float:
    """How long a recording is, by its packets, before any is decoded. Raises AudioTooLong, BrokenAudio, UnsupportedMedia."""
    until = time.monotonic() + PROBING_SECONDS
    with _opened(source, kind) as opened:
        stream = _stream(opened)
        claimed = opened.duration or 0
        if claimed > most_seconds * av.time_base:
            raise AudioTooLong(limit=most_seconds)
        seconds = 0.0
        for packet in _packets(opened, stream):
            if packet.pts is not None and packet.time_base is not None:
                seconds = max(seconds, float((packet.pts - (stream.start_time or 0)) * packet.time_base))
            if seconds > most_seconds or time.monotonic() > until:
                raise AudioTooLong(limit=most_seconds)
        return seconds


def samples(source: Any, kind: Container, most_seconds: float) -> Generator[bytes, None, None]:
    """The audio as samples of 16 bits, one channel, `RATE` a second, piece by piece. Raises the same."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    left = int(most_seconds * RATE)
    with _opened(source, kind) as opened:
        for frame in _frames(opened, _stream(opened)):
            frame.pts = None
            for piece in _resampled(resampler, frame):
                left -= len(piece) // 2
                if left < 0:
                    raise AudioTooLong(limit=most_seconds)
                yield piece
        yield from _resampled(resampler, None)


def _opened(source: Any, kind: Container) -> Any:
    """The container. FFmpeg's names of the options are in its documentation of formats; PyAV ignores what it does not know."""
    options = {"max_streams": MOST_STREAMS, "protocol_whitelist": "none"}
    open_any = cast("Callable[..., Any]", av.open)
    return _or_broken(lambda: open_any(source, mode="r", format=kind, options=options, io_open=_refuse))


def _refuse(*_: object) -> NoReturn:
    """FFmpeg wants to open something that the bytes name: never."""
    raise PermissionError


def _stream(opened: Any) -> Any:
    """The first audio stream, if it is one that is taken here."""
    streams = opened.streams.audio
    if not streams:
        raise UnsupportedMedia("There is no audio in this.")
    stream = streams[0]
    codec = stream.codec_context
    if codec is None or codec.name not in CODECS:
        raise UnsupportedMedia("This is audio of a kind that is not read here.")
    codec.thread_count = 1
    _check(codec.sample_rate, codec.channels)
    return stream


def _check(rate: int, channels: int) -> None:
    if not (LEAST_RATE <= rate <= MOST_RATE and 1 <= channels <= MOST_CHANNELS):
        raise UnsupportedMedia(f"Audio of {rate} Hz with {channels} channels is not read here.")


def _packets(opened: Any, stream: Any) -> Iterator[Any]:
    """Every packet that can be read, and not for ever: a damaged file is read around its damage."""
    packets = opened.demux(stream)
    bad = 0
    while True:
        try:
            packet = next(packets, None)
        except av.error.InvalidDataError:
            bad += 1
            if bad > BAD_PACKETS:
                raise BrokenAudio from None
            continue
        except (av.error.FFmpegError, EOFError):
            return
        if packet is None:
            return
        yield packet


def _frames(opened: Any, stream: Any) -> Iterator[Any]:
    bad = good = 0
    for packet in _packets(opened, stream):
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, ValueError):
            bad += 1
            if bad > BAD_PACKETS:
                raise BrokenAudio from None
            continue
        for frame in frames:
            good += 1
            _check(frame.sample_rate, len(frame.layout.channels))
            yield frame
    if bad and not good:
        raise BrokenAudio


def _resampled(resampler: Any, frame: Any) -> list[bytes]:
    pieces = _or_broken(lambda: resampler.resample(frame))
    return [bytes(piece.planes[0])[: 2 * piece.samples] for piece in pieces]


def _or_broken(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Refused:
        raise
    except (av.error.FFmpegError, ValueError, AttributeError, MemoryError, OSError):
        raise BrokenAudio from None
