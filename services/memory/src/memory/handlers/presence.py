"""Who is connected."""

from memory.records import presence
from memory.transaction import Transaction
from shared.contract.memory import Done, RecordPresence


def record_presence(tx: Transaction, question: RecordPresence) -> Done:
    """Keeps what a gateway reports. No event: it changes too often to be one."""
    presence.report(tx.connection, question.gateway, question.changes, tx.micros)
    return Done()
