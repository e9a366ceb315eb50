"""Reads what a stream has stored of a scope, batch by batch, by direct get: no consumer, any replica."""

from shared.contract.subjects import Scope
from shared.jetstream import JetStream
from shared.stored import PENDING, field

BATCH = 128
BATCH_BYTES = 256 * 1024
"""A batch must fit twice into what a reader may be behind (`relay.py`), whatever the size of its events."""


class Taker:
    """Takes a replay: the answers to one batched direct get after the other."""

    __slots__ = ()

    def replayed(self, header: bytes, payload: bytes) -> None:
        """The next stored message."""
        raise NotImplementedError

    def batch_ended(self, more: bool) -> None:
        """All of this batch was given. `more`: there was more when it was read."""
        raise NotImplementedError

    def batch_failed(self) -> None:
        """The batch broke off; what was given stays valid."""
        raise NotImplementedError

    def heard(self, header: bytes | None, payload: bytes) -> bool:
        """One message of the batch, or how it ended."""
        if header is None:
            return False
        if header[8:9] == b"\r":
            self.replayed(header, payload)
            return False
        status = header[9:12]
        if status == b"204":
            self.batch_ended(field(header, PENDING) not in (b"", b"0"))
        elif status == b"404":
            self.batch_ended(False)
        else:
            self.batch_failed()
        return True

    def failed(self) -> None:
        """No answer."""
        self.batch_failed()


def replay(jetstream: JetStream, scope: Scope, after: int, taker: Taker) -> None:
    """Asks for the next batch of `scope` after the sequence `after`."""
    subject = f"$JS.API.DIRECT.GET.{scope.stream}".encode()
    question = b'{"seq":%d,"next_by_subj":"%b","batch":%d,"max_bytes":%d}'
    jetstream.ask(subject, question % (after + 1, scope.feed.encode(), BATCH, BATCH_BYTES), taker)
