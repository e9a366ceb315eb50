"""Who follows a feed, and how it leaves."""

from collections.abc import Callable
from typing import Literal, Protocol

from shared.errors import Fault
from shared.stored import Stored

Reason = Literal["too_old", "other_store", "gap"]


class Reader(Protocol):
    """Somebody who follows. Called from the connection's read loop: must be quick, must not raise."""

    def deliver(self, event: Stored) -> None:
        """The next event."""
        ...

    def reset(self, reason: str) -> None:
        """This reader's cursor can't be continued; nothing more is delivered."""
        ...

    def when_taken(self, go_on: Callable[[], None]) -> None:
        """Calls `go_on` once, when what was delivered has been taken: the replay of a long past goes at the reader's pace."""
        ...

    def caught_up(self) -> None:
        """Everything that was stored when it came was delivered; what follows is live. May be called more than once."""
        ...


class Attachment(Protocol):
    """A reader at its place in the feed."""

    def detach(self) -> None:
        """Deliver nothing more. Idempotent; not a coroutine."""
        ...


class Reset(Fault):
    """This cursor can't be continued: load the state and go on from its cursor."""

    code, status = "reset", 410

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason
