"""What a transaction leaves to be sent: facts for the feed, orders for workers."""

from dataclasses import dataclass
from typing import Literal

from shared.contract.subjects import Subject

LetterKind = Literal["fact", "order"]


@dataclass(frozen=True, slots=True)
class Letter:
    """One message for JetStream. `id` stays the same however often it is sent; `version` groups those of a transaction."""

    id: str
    user: str
    version: int
    kind: LetterKind
    subject: Subject
    type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """All that a committed transaction wants to be sent. `stops` are generations whose workers should hear of it now.

    `earlier`: what other replicas have left of the same users and not confirmed. It comes first, so that each user's facts are
    stored in the order of their versions, whoever sends them; the stream drops what it has already.
    """

    letters: tuple[Letter, ...] = ()
    stops: tuple[str, ...] = ()
    earlier: tuple[Letter, ...] = ()
