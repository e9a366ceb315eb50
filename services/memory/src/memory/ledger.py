"""Where handlers meet the database: opens a transaction or a snapshot for each question, and hands on what is to be sent."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TypeVar

from sqlalchemy import Connection

from memory.clock import Clock
from memory.handlers.reading import Snapshot
from memory.outbox import Mail
from memory.ports import Finder, Store
from memory.publisher import Publisher
from memory.recall import Recall
from memory.records import generations, log
from memory.settings import MemorySettings
from memory.transaction import Transaction
from shared.errors import Busy
from shared.ids import NewId

Q = TypeVar("Q")
A = TypeVar("A")


LEFTOVERS = 500
"""Letters of the dead that one sweep sends."""


class Ledger:
    """Carries out handlers. The moment of a transaction is taken on its turn, so moments follow the order of commits."""

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        limits: MemorySettings,
        clock: Clock,
        new_id: NewId,
        finder: Finder | None = None,
    ) -> None:
        self.store, self.limits, self.finder = store, limits, finder
        self._publisher, self._clock, self._new_id = publisher, clock, new_id
        self._newest = 0
        self.recall: Recall | None = None
        self.writing = 0
        self.changed = asyncio.Event()

    async def write(self, handler: Callable[[Transaction, Q], A], question: Q, user: str | None = None) -> A:
        """The handler's answer, once what it did is durable. Raises what it raises, Busy, StorageFull, Unavailable.

        Whatever it reads and writes of `user` nobody else changes meanwhile; None: the question says who that is.
        """
        if self._publisher.waiting >= self.limits.outbox_limit:
            raise Busy("Too many events wait to be sent.", retry_after=2.0)

        def work(connection: Connection) -> tuple[A, Mail]:
            tx = Transaction(connection, self._clock.now(), self._clock.ticks(), self.limits, self._new_id, self.finder)
            answer = handler(tx, question)
            return answer, self._after_others(connection, tx.close())

        whose = await self._whose(question) if user is None else user
        self.writing += 1
        try:
            answer, _ = await self.store.write(work, self._committed, whose)
        finally:
            self.writing -= 1
        return answer

    def _committed(self, outcome: tuple[object, Mail]) -> None:
        self._publisher.submit(outcome[1])
        self.changed.set()

    async def _whose(self, question: object) -> str:
        user: str = getattr(question, "user", "")
        if user:
            return user
        generation_id: str | None = getattr(question, "generation_id", None)
        if generation_id is None:
            return ""
        # A worker of a version that did not say it yet.
        return await self.store.read(lambda connection: generations.owner(connection, generation_id))

    def _after_others(self, connection: Connection, mail: Mail) -> Mail:
        """The mail, with what other replicas have written before and may never send."""
        if not log.writer_of(connection):
            return mail
        users = {letter.user for letter in mail.letters}
        earlier = [log.unsent_of_others(connection, user, self._publisher.sent_up_to(user)) for user in users]
        return replace(mail, earlier=tuple(chain.from_iterable(earlier)))

    async def send_leftovers(self) -> None:
        """Sends what was in the outbox a sweep ago and is still there: whoever wrote it has died. Call it at every sweep."""
        before, self._newest = self._newest, await self.store.read(log.newest_letter)
        if before:
            letters, _ = await self.store.read(partial(log.unsent, after=0, limit=LEFTOVERS, until=before))
            self._publisher.load(letters)

    async def read(self, handler: Callable[[Snapshot, Q], A], question: Q) -> A:
        """The handler's answer from one snapshot."""
        return await self.store.read(lambda connection: handler(self.view(connection), question))

    def view(self, connection: Connection) -> Snapshot:
        """A snapshot on this connection, now."""
        return Snapshot(connection, self._clock.now(), self.limits, self.finder)
