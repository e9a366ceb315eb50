"""Where handlers meet the database: opens a transaction or a snapshot for each question, and hands on what is to be sent."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from memory.clock import Clock
from memory.handlers.reading import Snapshot
from memory.outbox import Mail
from memory.ports import Store
from memory.publisher import Publisher
from memory.settings import MemorySettings
from memory.transaction import Transaction
from shared.errors import Busy
from shared.ids import NewId

Q = TypeVar("Q")
A = TypeVar("A")


class Ledger:
    """Carries out handlers. The moment of a transaction is taken on its turn, so moments follow the order of commits."""

    def __init__(self, store: Store, publisher: Publisher, limits: MemorySettings, clock: Clock, new_id: NewId) -> None:
        self.store, self.limits = store, limits
        self._publisher, self._clock, self._new_id = publisher, clock, new_id

    async def write(self, handler: Callable[[Transaction, Q], A], question: Q) -> A:
        """The handler's answer, once what it did is durable. Raises what it raises, Busy, StorageFull, Unavailable."""
        if self._publisher.waiting >= self.limits.outbox_limit:
            raise Busy("Too many events wait to be sent.", retry_after=2.0)

        def work(connection: Connection) -> tuple[A, Mail]:
            tx = Transaction(connection, self._clock.now(), self._clock.ticks(), self.limits, self._new_id)
            answer = handler(tx, question)
            return answer, tx.close()

        answer, _ = await self.store.write(work, lambda outcome: self._publisher.submit(outcome[1]))
        return answer

    async def read(self, handler: Callable[[Snapshot, Q], A], question: Q) -> A:
        """The handler's answer from one snapshot."""
        return await self.store.read(lambda connection: handler(self.view(connection), question))

    def view(self, connection: Connection) -> Snapshot:
        """A snapshot on this connection, now."""
        return Snapshot(connection, self._clock.now(), self.limits)
