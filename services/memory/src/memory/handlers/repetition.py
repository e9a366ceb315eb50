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
from shared.contract.memory import Accepted, BeginsAnswer
from shared.contract.state import Change
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


def change_once(tx: Transaction, route: str, question: Change, kind: type[A], work: Callable[[], A]) -> A:
    """`once` for a change of the state, by its operation id."""
    key = Key(question.user, route, question.operation_id) if question.operation_id else None
    return once(tx, key, question, kind, work)


def accepted_once(tx: Transaction, route: str, question: BeginsAnswer, work: Callable[[], Accepted]) -> Accepted:
    """`once` for whatever begins an answer: says whether it is a repetition, and gives the cursor of the first time."""
    fresh: list[Accepted] = []

    def remember() -> Accepted:
        fresh.append(work().model_copy(update={"after": question.after}))
        return fresh[0]

    if not question.client_message_id:
        return remember()
    key = Key(question.user, route, question.client_message_id)
    accepted = once(tx, key, question.model_copy(update={"after": None}), Accepted, remember)
    return accepted if fresh else accepted.model_copy(update={"repeated": True})
