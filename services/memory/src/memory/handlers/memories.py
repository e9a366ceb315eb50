"""Pinned memories. `pin` is also what an answer does that asks for it: within its transaction, and once with it."""

from memory.free_value import stored
from memory.handlers.reading import Snapshot
from memory.handlers.repetition import change_once
from memory.paging import bounded, key_cursor, parse_key_cursor, within
from memory.records import memories
from memory.transaction import Transaction
from shared.contract.changes import MemoryCreated, MemoryDeleted, MemoryUpdated
from shared.contract.person import PinnedMemory
from shared.contract.state import ListMemories, Memories, PinMemory, UnpinMemory
from shared.errors import LimitReached


def pin_memory(tx: Transaction, question: PinMemory) -> PinnedMemory:
    """Pins a fact; of the same type and key there is one."""
    return change_once(tx, "pin_memory", question, PinnedMemory, lambda: pin(tx, question))


def pin(tx: Transaction, question: PinMemory, generation_id: str | None = None) -> PinnedMemory:
    """The same without regard to repetition, for the answer that asked for it."""
    value = stored(question.value, tx.limits.memory_bytes, "This value")
    old = memories.with_key(tx.connection, question.user, question.type, question.key)
    if old is None:
        return _keep(tx, question, value, generation_id)
    if stored(old.value, tx.limits.memory_bytes, "This value") == value:
        return old
    new = old.model_copy(update={"value": question.value, "generation_id": generation_id, "updated_at": tx.at})
    memories.change(tx.connection, new, value, tx.version(question.user))
    tx.tell_state(question.user, "memories", MemoryUpdated(**tx.stamp(question.user), memory=new))
    return new


def _keep(tx: Transaction, question: PinMemory, value: str, generation_id: str | None) -> PinnedMemory:
    limit = tx.limits.pinned_memories
    if memories.count(tx.connection, question.user) >= limit:
        raise LimitReached(f"There are {limit} pinned memories, as many as one may have; delete some first.", limit=limit)
    memory = PinnedMemory(
        id=tx.id("k"),
        type=question.type,
        key=question.key,
        value=question.value,
        generation_id=generation_id,
        created_at=tx.at,
        updated_at=tx.at,
    )
    memories.keep(tx.connection, question.user, memory, value, tx.version(question.user))
    tx.tell_state(question.user, "memories", MemoryCreated(**tx.stamp(question.user), memory=memory))
    return memory


def unpin_memory(tx: Transaction, question: UnpinMemory) -> PinnedMemory:
    """Deletes a pinned fact."""
    return change_once(tx, "unpin_memory", question, PinnedMemory, lambda: _unpin(tx, question))


def _unpin(tx: Transaction, question: UnpinMemory) -> PinnedMemory:
    memory = memories.get(tx.connection, question.user, question.memory_id)
    memories.drop(tx.connection, memory.id)
    tx.remove(question.user, "memories", memory.id)
    tx.tell_state(question.user, "memories", MemoryDeleted(**tx.stamp(question.user), memory=memory))
    return memory


def list_memories(view: Snapshot, question: ListMemories) -> Memories:
    """A page of pinned memories, in the order of type and key."""
    limit, after = bounded(question.limit), parse_key_cursor(question.cursor)
    found = memories.page(view.connection, question.user, after, limit + 1)
    page = within(found[:limit], view.limits.page_bytes)
    more = len(page) < len(found)
    return Memories(pinned_memories=page, next=key_cursor(page[-1].type, page[-1].key) if more else None)
