"""What was said, as text: the noun that clients see."""

from datetime import datetime
from typing import Literal

from shared.contract.base import Message
from shared.contract.objects import Problem

TranscriptStatus = Literal["queued", "running", "completed", "failed"]
TranscriptOrigin = Literal["upload", "url", "live"]


class Segment(Message):
    """What was said from `start` to `end`, in seconds of the audio."""

    start: float
    end: float
    text: str


class Transcript(Message):
    """Audio as text, or on the way to it."""

    id: str
    status: TranscriptStatus
    origin: TranscriptOrigin
    text: str | None = None
    language: str | None = None
    engine: str | None = None
    duration_seconds: float | None = None
    segments: list[Segment] | None = None
    error: Problem | None = None
    created_at: datetime
    ended_at: datetime | None = None
