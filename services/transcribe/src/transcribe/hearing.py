"""What listening comes to: words with their times, in the order in which they were said."""

from dataclasses import dataclass
from typing import Final

from shared.contract.transcript import Segment

RATE: Final = 16_000
"""Samples a second of all audio inside: one channel of 16 bits."""

BYTES_PER_SECOND: Final = 2 * RATE

WINDOW_SECONDS: Final = 26.0
"""What an engine that hears recordings is given at a time: Whisper's own is 30 s."""


@dataclass(frozen=True, slots=True)
class Began:
    """Somebody begins to speak."""

    start: float


@dataclass(frozen=True, slots=True)
class Sound:
    """Speech, as samples, for engines that are not in the sandbox."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class Partial:
    """What is understood so far of what is being said."""

    text: str


@dataclass(frozen=True, slots=True)
class Ceased:
    """Somebody has said something, and pauses. `text` is None when somebody else has to understand it."""

    start: float
    end: float
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """So many seconds of the audio have been heard, and so many bytes of it are no longer needed."""

    seconds: float
    through: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The audio is over: so long it was."""

    seconds: float


Happening = Began | Sound | Partial | Ceased | Progress | Ended


@dataclass(frozen=True, slots=True)
class Understood:
    """What an engine has made of a recording. The times of the segments count from its beginning."""

    segments: tuple[Segment, ...]
    language: str | None = None

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(segment.text for segment in self.segments if segment.text)


class Window:
    """Collects what was said, pauses as silence, until it is as much as an engine hears at a time."""

    def __init__(self) -> None:
        self.start = self.end = 0.0
        self._pcm = bytearray()

    def begin(self, start: float) -> None:
        """Somebody begins to speak at this second."""
        if not self._pcm:
            self.start = start
            return
        missing = round((start - self.start) * RATE) * 2 - len(self._pcm)
        self._pcm += bytes(max(0, missing))

    def add(self, pcm: bytes) -> None:
        """More speech."""
        self._pcm += pcm

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self._pcm) / BYTES_PER_SECOND

    def take(self) -> bytes:
        """All of it; it is empty then."""
        pcm = bytes(self._pcm)
        self._pcm.clear()
        return pcm

    def peek(self) -> bytes:
        """All of it, which stays."""
        return bytes(self._pcm)


class Agreement:
    """The words that two hypotheses in a row agree on, and the rest of the newer one: so that a partial text does not flicker.

    LocalAgreement-2 of Macháček, Dabre and Bojar, "Turning Whisper into Real-Time Transcription System" (2023).
    """

    def __init__(self) -> None:
        self._before: list[str] = []
        self._agreed: list[str] = []

    def next(self, text: str) -> str:
        """The text to show now."""
        words = text.split()
        same = 0
        while same < min(len(words), len(self._before)) and words[same] == self._before[same]:
            same += 1
        if same > len(self._agreed):
            self._agreed = words[:same]
        self._before = words
        return " ".join([*self._agreed, *words[len(self._agreed) :]])

    def reset(self) -> None:
        """What comes now is another utterance."""
        self._before, self._agreed = [], []
