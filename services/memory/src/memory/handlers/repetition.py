"""The same request under the same key is carried out once (F4, F19)."""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import TypeVar

from memory.clock import micros
from memory.records import idempotency
from memory.records.idempotency import Key
from memory.transaction import Transaction
from shared.contract.base import Message
from shared.contract.memory import Accepted
from shared.errors import IdempotencyMismatch

A = TypeVar("A", bound=Message)


def once(tx: Transaction, key: Key | None, question: Message, kind: type[A], work: Callable[[], A]) -> A:
    """The response that `key` had, or that of `work`. Raises IdempotencyMismatch when it was another question."""
    if key is None:
        return work()
    body_hash = sha256(question.encode()).digest()
    since = micros(tx.at - timedelta(hours=tx.limits.idempotency_hours))
    known = idempotency.find(tx.connection, key, since)
    if known is None:
        response = work()
        idempotency.keep(tx.connection, key, body_hash, response.encode(), tx.micros)
        return response
    if known[0] != body_hash:
        raise IdempotencyMismatch
    return kind.decode(known[1])


def accepted_once(
    tx: Transaction, route: str, user: str, key: str | None, question: Message, work: Callable[[], Accepted]
) -> Accepted:
    """`once` for whatever is answered with Accepted: says whether it is a repetition."""
    fresh: list[Accepted] = []

    def remember() -> Accepted:
        fresh.append(work())
        return fresh[0]

    accepted = once(tx, Key(user, route, key) if key else None, question, Accepted, remember)
    return accepted if fresh else accepted.model_copy(update={"repeated": True})
