"""Putting away what is old of a user: what the background does for everybody by and by, at once for one."""

from typing import Final

from memory import digest as rules
from memory.context import uncovered
from memory.digest import Standing
from memory.records import conversations, digests, expiry, messages
from memory.tokens import characters
from memory.transaction import Transaction
from shared.contract.knowledge import Tidied, TidyUp

LATEST: Final = 50
"""Conversations that are looked at, the last changed first: one transaction is not to take long."""

AT_ONCE: Final = 200
"""Messages of each that are packed; the background does the rest."""

FAR: Final = 2_000
LONG: Final = 20
"""Messages without a summary after which a conversation gets one, though its prompts still have room for all of them."""


def tidy_up(tx: Transaction, question: TidyUp) -> Tidied:
    """Packs messages that are no longer hot, and orders summaries of conversations that have grown long."""
    packed = summaries = 0
    for conversation, _ in conversations.page(tx.connection, question.user, None, LATEST):
        packed += _pack(tx, conversation.id)
        summaries += _summarise(tx, conversation.id)
    return Tidied(packed=packed, summaries=summaries)


def _pack(tx: Transaction, conversation_id: str) -> int:
    """How many conversations had something to pack: 0 or 1."""
    until = expiry.cold_until(tx.connection, conversation_id, tx.limits.hot_messages)
    if until is None:
        return 0
    expiry.archive(tx.connection, conversation_id, until, AT_ONCE)
    return 1


def _summarise(tx: Transaction, conversation_id: str) -> int:
    standing = digests.standing(tx.connection, conversation_id)
    patience = int(tx.limits.digest_patience_minutes * 60e6)
    if standing is None or standing.temporary or not rules.due(standing.summary_ordered, tx.micros, patience):
        return 0
    if not _is_long(tx, standing):
        return 0
    digests.summary_ordered(tx.connection, conversation_id, tx.micros)
    tx.order_digest(standing.user, conversation_id, "summary")
    return 1


def _is_long(tx: Transaction, standing: Standing) -> bool:
    budget = tx.limits.prompt_tokens
    branch = messages.remembered(tx.connection, standing.head_id or "", FAR, 4 * characters(budget))
    rest, _ = uncovered(branch, standing.summary_until)
    return len(rest) >= LONG and rules.told(rest, budget) is not None
