"""One order that this process holds: how often it was delivered, and what its acknowledgement can say."""

import json
import random

from shared.asking import Asker

ACK, TERM, PROGRESS = b"+ACK", b"+TERM", b"+WPI"
ACK_SECONDS = 5.0

BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 30.0


class Held:
    """An order until it is acknowledged, given back, or buried."""

    __slots__ = ("ack", "count", "data", "doom", "header", "sequence", "user")

    def __init__(self, subject: bytes, ack: bytes, header: bytes | None, data: bytes) -> None:
        self.ack = ack
        self.header = header
        self.data = data
        self.user = subject.rpartition(b".")[2].decode()
        """The last token of the order's subject."""
        self.count, self.sequence = _numbers(ack)
        self.doom = ""
        """Why it goes to the dead letters; empty while it still can be carried out."""

    async def say(self, asker: Asker, words: bytes, *, timeout: float = ACK_SECONDS) -> None:
        """Tells JetStream, and makes sure that it knows. Raises Unavailable; then the order comes again."""
        await asker.ask(self.ack, words, timeout=timeout)


def give_back(seconds: float) -> bytes:
    """The words that have an order delivered again after so long."""
    if seconds <= 0:
        return b"-NAK"
    return b"-NAK " + json.dumps({"delay": round(seconds * 1_000_000_000)}).encode()


def backoff(count: int) -> float:
    """Seconds to wait after the delivery `count` failed."""
    return min(BACKOFF_SECONDS * 2 ** (count - 1), MAX_BACKOFF_SECONDS) * random.uniform(0.75, 1.25)  # noqa: S311


def _numbers(ack: bytes) -> tuple[int, int]:
    """Deliveries and stream sequence. The subject has two more tokens in its second form (ADR-15, T2)."""
    tokens = ack.split(b".")
    first = 4 if len(tokens) < 11 else 6
    return int(tokens[first]), int(tokens[first + 1])
