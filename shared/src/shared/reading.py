"""Reading what a stream holds, by direct get: from any replica, without a consumer."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from shared.contract.streams import stream_of
from shared.contract.subjects import Subject
from shared.errors import Unavailable
from shared.headers import number, status, value
from shared.wire import Offline, Wire

Entry = tuple[int, bytes, bytes]
"""Sequence, event name, data."""

BATCH = 1_000
MOST_SUBJECTS = 500
"""In one question. The server refuses more than 1,024."""
NOT_FOUND = 404
TIMEOUT_SECONDS = 5.0
AGAIN_SECONDS = 0.05
QUIET_SECONDS = 1.0
"""Without a message for so long, the rest is asked for again."""


class Reader:
    """Reads the stored messages of a subject."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        inbox = wire.new_inbox() + "."
        self._inbox = inbox.encode()
        self._cut = len(inbox)
        self._count = 0
        self._open: dict[bytes, _Batch] = {}
        wire.subscribe(inbox + "*", self._heard)

    async def last(self, subject: Subject, *, timeout: float = TIMEOUT_SECONDS) -> tuple[int, bytes] | None:
        """Sequence and data of the newest message, or None."""
        entries, _ = await self._get(subject, {"last_by_subj": subject}, timeout)
        return (entries[-1][0], entries[-1][2]) if entries else None

    async def after(
        self, subject: Subject, sequence: int, *, limit: int = 0, max_bytes: int = 0, timeout: float = TIMEOUT_SECONDS
    ) -> list[Entry]:
        """All messages, or the first `limit`, after this sequence of the stream. `max_bytes`: not many more at a time."""
        found: list[Entry] = []
        more = True
        while more:
            batch = min(limit - len(found), BATCH) if limit else BATCH
            question = {"seq": sequence + 1, "next_by_subj": subject, "batch": batch, "max_bytes": max_bytes}
            entries, more = await self._get(subject, question, timeout)
            found += entries
            sequence = entries[-1][0] if entries else sequence
            more = more and bool(entries) and not max_bytes and (not limit or len(found) < limit)
        return found

    async def newest(self, subjects: Sequence[Subject], *, timeout: float = TIMEOUT_SECONDS) -> list[Entry]:
        """The newest message of each of these subjects, all of one stream, as far as there is one."""
        found: list[Entry] = []
        for start in range(0, len(subjects), MOST_SUBJECTS):
            some = subjects[start : start + MOST_SUBJECTS]
            entries, _ = await self._get(some[0], {"multi_last": some, "batch": len(some)}, timeout)
            found += entries
        return found

    async def exists(self, subject: Subject, sequence: int, *, timeout: float = TIMEOUT_SECONDS) -> bool:
        """Whether the stream of this subject still holds the message of this sequence."""
        entries, _ = await self._get(subject, {"seq": sequence}, timeout)
        return bool(entries)

    async def _get(self, subject: Subject, question: dict[str, Any], timeout: float) -> tuple[list[Entry], bool]:
        """Asks until the whole batch has come; a batch that was cut off is asked for again from its beginning."""
        target, data = f"$JS.API.DIRECT.GET.{stream_of(subject)}".encode(), json.dumps(question).encode()
        try:
            async with asyncio.timeout(timeout):
                batch = None
                while batch is None:
                    batch = await self._once(target, data, single="batch" not in question)
        except TimeoutError:
            raise Unavailable from None
        return batch.entries, batch.pending > 0

    async def _once(self, target: bytes, question: bytes, *, single: bool) -> "_Batch | None":
        self._count += 1
        key = b"%d" % self._count
        batch = self._open[key] = _Batch(single)
        try:
            self._wire.publish(target, question, reply=self._inbox + key)
            await batch.whole(QUIET_SECONDS)
        except (Offline, TimeoutError):
            pass
        finally:
            del self._open[key]
        if not batch.complete:
            await asyncio.sleep(AGAIN_SECONDS)
        return batch if batch.complete else None

    def _heard(self, subject: bytes, header: bytes | None, payload: bytes) -> None:
        batch = self._open.get(subject[self._cut :])
        if batch is not None:
            batch.take(header, payload)


class _Batch:
    """The answer to one direct get, as it comes."""

    def __init__(self, single: bool) -> None:
        self.entries: list[Entry] = []
        self.pending = 0
        self.complete = False
        self._single = single
        self._ended = asyncio.Event()

    async def whole(self, quiet: float) -> None:
        """Returns at the end. Raises TimeoutError when nothing more comes."""
        seen = -1
        while not self._ended.is_set() and seen != len(self.entries):
            seen = len(self.entries)
            try:
                async with asyncio.timeout(quiet):
                    await self._ended.wait()
            except TimeoutError:
                continue
        if not self._ended.is_set():
            raise TimeoutError

    def take(self, header: bytes | None, payload: bytes) -> None:
        code = status(header)
        if code:
            self.pending = number(header, b"Nats-Num-Pending")
            self.complete = code in (204, NOT_FOUND)
            self._ended.set()
            return
        self.entries.append((number(header, b"Nats-Sequence"), value(header, b"Event-Type"), payload))
        if self._single:
            self.complete = True
            self._ended.set()
