"""What a transcript is to the one who keeps it: who makes it, since when, and what a claim on it comes to."""

from dataclasses import dataclass

from memory.generation import Grant
from shared.contract.transcript import TranscriptOrigin, TranscriptStatus
from shared.errors import LostLease


@dataclass(frozen=True, slots=True)
class Kept:
    """A transcript without what was said. `lease_until` and `ordered_at` are ticks."""

    id: str
    user: str
    origin: TranscriptOrigin
    status: TranscriptStatus
    epoch: int
    lease_until: float
    url: str | None = None
    language: str | None = None
    created_at: int = 0

    @property
    def open(self) -> bool:
        """Whether it is still to be made."""
        return self.status in ("queued", "running")


def claim(kept: Kept | None, ticks: float, lease: float) -> Grant:
    """Decides about a claim."""
    if kept is None or not kept.open:
        return Grant("done")
    left = kept.lease_until - ticks if kept.status == "running" else 0.0
    return Grant("wait", left) if left > 0 else Grant("run", lease, kept.epoch + 1)


def held(kept: Kept | None, epoch: int) -> Kept:
    """The transcript, if the attempt `epoch` makes it now. Raises LostLease."""
    if kept is None or kept.status != "running" or kept.epoch != epoch:
        raise LostLease("Another worker makes this transcript, or it has ended.")
    return kept
