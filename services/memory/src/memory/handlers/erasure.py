"""The steps of an erasure (S16): each is a short transaction, and each may be the last one before a crash."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Table

from memory.clock import micros
from memory.handlers import auditing
from memory.handlers.endings import STOPPED, end
from memory.handlers.reading import Snapshot
from memory.records import erasing, generations, transcripts, users
from memory.records.erasing import Departure
from memory.transaction import Transaction
from shared.errors import BeingErased

CLAIM_SECONDS = 30.0
"""How long an erasure belongs to who works on it; after a crash another goes on then."""

ERASURES_AT_ONCE = 20

AT_ONCE = 25
"""Rows that one transaction deletes. One of them can have a MiB, which is overwritten with zeros."""


@dataclass(frozen=True, slots=True)
class Step:
    """Some rows of one table."""

    user: str
    table: Table


@dataclass(frozen=True, slots=True)
class Whose:
    """A user who is being erased."""

    user: str


def begin(tx: Transaction, whose: Whose) -> Departure:
    """Ends what is open, and closes the account: from here on nothing new is taken. Raises BeingErased when it is under way."""
    known = erasing.find(tx.connection, whose.user)
    if known is not None and known.step == "rows" and known.due > tx.micros:
        raise BeingErased(retry_after=2.0)
    writing = {*(known.conversations if known else ()), *_stop_all(tx, whose.user)}
    departure = Departure(whose.user, "rows", tuple(sorted(writing)), _in(tx, CLAIM_SECONDS))
    erasing.begin(tx.connection, departure, tx.micros)
    erasing.close(tx.connection, whose.user)
    return departure


def _stop_all(tx: Transaction, user: str) -> list[str]:
    """Cancels every open answer, and names the conversations and transcripts that a worker may still write in."""
    found = generations.open_of_user(tx.connection, user)
    for generation in found:
        end(tx, generation, STOPPED)
        tx.stop(generation.id)
    answers = [generation.conversation_id for generation in found if generation.epoch > 0]
    return answers + transcripts.open_of_user(tx.connection, user)


def delete_some(tx: Transaction, step: Step) -> int:
    """Deletes some rows; answers how many. None when the erasure has ended: whoever came back since keeps what is new."""
    if not renew(tx, Whose(step.user)):
        return 0
    return erasing.delete_some(tx.connection, step.table, step.user, AT_ONCE)


def renew(tx: Transaction, whose: Whose) -> bool:
    """Whether the erasure is still under way; it belongs to who asks for a while longer."""
    known = erasing.find(tx.connection, whose.user)
    if known is None or known.step != "rows":
        return False
    erasing.claim(tx.connection, whose.user, _in(tx, CLAIM_SECONDS))
    return True


def finish(tx: Transaction, whose: Whose) -> int:
    """Deletes what is left of the user, who may begin anew from here on; answers how many rows of the audit it were."""
    known = erasing.find(tx.connection, whose.user)
    if known is None or known.step != "rows":
        return 0
    links = auditing.erase(tx, whose.user)
    for table in erasing.owned_tables():
        erasing.delete_some(tx.connection, table, whose.user, AT_ONCE)
    users.raise_floor(tx.connection, whose.user)
    erasing.forget(tx.connection, whose.user)
    # A worker that had begun hears of the end at the latest when it renews its lease; one that had not can't begin.
    late = Departure(known.user, "late", known.conversations, _in(tx, 2 * tx.limits.lease_seconds))
    erasing.begin(tx.connection, late, tx.micros)
    return links


def find_due(view: Snapshot, _: None) -> list[str]:
    """Users whose erasure has something left to do, and that nobody works on."""
    return [departure.user for departure in erasing.due(view.connection, micros(view.at), ERASURES_AT_ONCE)]


def take(tx: Transaction, whose: Whose) -> Departure | None:
    """An erasure that is due and that nobody works on is ours for a while."""
    return erasing.take(tx.connection, whose.user, tx.micros, _in(tx, CLAIM_SECONDS))


def let_go(tx: Transaction, whose: Whose) -> None:
    """What late workers wrote is gone too, and the file has settled."""
    known = erasing.find(tx.connection, whose.user)
    if known is not None and known.step == "late":
        erasing.end(tx.connection, whose.user)


def _in(tx: Transaction, seconds: float) -> int:
    return micros(tx.at + timedelta(seconds=seconds))
