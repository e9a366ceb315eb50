"""How much of each list a state has: it has to fit into one message of the bus, whatever somebody keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from shared.contract.base import Message
from shared.contract.streams import MAX_MESSAGE_BYTES

M = TypeVar("M", bound=Message)
KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Portion:
    """The most that there is of a list: how many, and how long they are as JSON."""

    most: int
    size: int


STATE_BYTES: Final = MAX_MESSAGE_BYTES - 16 * KIB
"""Of the whole; what is left is for headers, names and commas. Long answers are compressed, so this is never tight."""

CONVERSATIONS: Final = Portion(200, 80 * KIB)
APPROVALS: Final = Portion(50, 24 * KIB)
"""A longer one is in their own list only."""
TASKS: Final = Portion(600, 128 * KIB)
COMPLETED_TASKS: Final = 50
"""How many of them are done: the last ones."""
NOTES: Final = Portion(50, 48 * KIB)
MEMORIES: Final = Portion(200, 48 * KIB)
CALENDAR: Final = Portion(200, 48 * KIB)
PLANS: Final = Portion(31, 24 * KIB)
PERSONAS: Final = Portion(500, 128 * KIB)
TRIPS: Final = Portion(20, 24 * KIB)
REMOVED: Final = Portion(2_000, 48 * KIB)
SESSIONS: Final = Portion(100, 40 * KIB)
# Preferences have a limit of their own, of 64 KiB. Messages get what is left of it all, and 48 KiB are left always.


@dataclass(slots=True)
class Basket:
    """What a state is collected in. `overflown`: something that was found is not in it."""

    room: int = STATE_BYTES
    overflown: bool = False

    def take(self, found: Sequence[M], portion: Portion) -> list[M]:
        """The first ones that fit; one that is too long doesn't keep those after it out."""
        taken: list[M] = []
        left = portion.size
        for one in found[: portion.most]:
            size = len(one.encode())
            if size <= left:
                left -= size
                taken.append(one)
        self.overflown = self.overflown or len(taken) < len(found)
        self.room -= portion.size - left
        return taken
