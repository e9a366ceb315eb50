"""The time."""

from datetime import UTC, datetime


class Clock:
    """What the time is. Replaced in tests."""

    def now(self) -> datetime:
        """In UTC."""
        return datetime.now(UTC)
