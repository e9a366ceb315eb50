"""A transcript as OpenAI's libraries, and players of films, read it."""

from collections.abc import Sequence
from typing import Any, Literal

from starlette.responses import PlainTextResponse, Response

from gateway.replies import reply
from gateway.upload import Uploaded
from shared.contract.transcript import Segment, Transcript
from shared.errors import Invalid

Shape = Literal["json", "text", "srt", "verbose_json", "vtt"]
SHAPES: tuple[Shape, ...] = ("json", "text", "srt", "verbose_json", "vtt")


def shape_of(asked: Uploaded) -> Shape:
    """What is asked for. Raises Invalid."""
    name = asked.field("response_format") or "json"
    for shape in SHAPES:
        if shape == name:
            return shape
    raise Invalid(f"response_format: must be one of {', '.join(SHAPES)}", param="response_format")


def shaped(transcript: Transcript, shape: Shape) -> Response:
    """The transcript in this shape."""
    segments = transcript.segments or []
    match shape:
        case "json":
            return reply({"text": transcript.text or ""})
        case "verbose_json":
            return reply(_verbose(transcript, segments))
        case "text":
            return PlainTextResponse((transcript.text or "") + "\n")
        case "srt":
            return PlainTextResponse(_srt(segments))
        case "vtt":
            return PlainTextResponse(_vtt(segments), media_type="text/vtt")


def _verbose(transcript: Transcript, segments: Sequence[Segment]) -> dict[str, Any]:
    return {
        "task": "transcribe",
        "language": transcript.language or "",
        "duration": transcript.duration_seconds or 0.0,
        "text": transcript.text or "",
        "segments": [_segment(number, segment) for number, segment in enumerate(segments)],
    }


def _segment(number: int, segment: Segment) -> dict[str, Any]:
    """With the fields that their type has; what only their model knows is neutral."""
    return {
        "id": number,
        "seek": 0,
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": 0.0,
        "compression_ratio": 1.0,
        "no_speech_prob": 0.0,
    }


def _srt(segments: Sequence[Segment]) -> str:
    blocks = [
        f"{number}\n{_time(one.start, ',')} --> {_time(one.end, ',')}\n{one.text}\n"
        for number, one in enumerate(segments, start=1)
    ]
    return "\n".join(blocks)


def _vtt(segments: Sequence[Segment]) -> str:
    return "WEBVTT\n\n" + "\n".join(f"{_time(one.start, '.')} --> {_time(one.end, '.')}\n{one.text}\n" for one in segments)


def _time(seconds: float, mark: str) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}{mark}{thousandths:03d}"
