"""Rows of the audit, written in the transaction of what they are about."""

from memory import audit as chain
from memory.audit import Act, Entry, Linked, Tombstone
from memory.records import audit
from memory.transaction import Transaction


def keep(tx: Transaction, user: str, act: Act) -> None:
    """Adds a link to this user's chain."""
    tx.version(user)  # From here on the user's row is ours: nobody else reads the same head.
    key, head = _key(tx), audit.head(tx.connection, user)
    entry = Entry(user, head.count + 1, tx.micros, act)
    previous = head.mac or chain.beginning(key, user, audit.lives(tx.connection, chain.who(key, user)))
    audit.append(tx.connection, Linked(entry, previous, chain.link(key, entry, previous)))


def erase(tx: Transaction, user: str) -> int:
    """Erases this user's chain and leaves a tombstone; says how many rows it was. The user has to be departing by then."""
    key, head = _key(tx), audit.head(tx.connection, user)
    if head.count:
        whom = chain.who(key, user)
        stone = Tombstone(whom, audit.lives(tx.connection, whom), head.count, head.mac, tx.micros)
        audit.bury(tx.connection, user, chain.sealed(key, stone))
    return head.count


def _key(tx: Transaction) -> bytes:
    return tx.limits.audit_key.get_secret_value().encode()
