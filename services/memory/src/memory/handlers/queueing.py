"""Who is ordered when: a user's answers beyond so many at a time are held back, so that the queue of work is fair to others."""

from memory.generation import Generation, under_way
from memory.records import generations
from memory.transaction import Transaction
from shared.contract.events import GenerationQueued


def tell_place(tx: Transaction, generation: Generation, place: int) -> None:
    """How many answers come before this one."""
    stamp = tx.stamp(generation.user)
    tx.tell(
        generation.user,
        GenerationQueued(**stamp, conversation_id=generation.conversation_id, generation_id=generation.id, position=place),
    )


def order(tx: Transaction, generation: Generation, others: int | None = None) -> int:
    """Orders the first answer of a conversation, or holds it back; answers with how many come before it.

    `others`: how many other answers of its user are open, where that is known: few of them don't have to be looked at.
    """
    user, most = generation.user, tx.limits.user_concurrency
    if others is None or others >= most:
        opened = generations.open_of_user(tx.connection, user)
        # Those that wait already come first: a long queue in one conversation keeps the others from nothing.
        if under_way(opened, generation.id) >= most or any(one.held_back for one in opened):
            return _hold_back(tx, generation, opened)
    tx.order(user, generation.conversation_id, generation.id)
    return 0


def _hold_back(tx: Transaction, generation: Generation, opened: list[Generation]) -> int:
    generations.hold(tx.connection, generation.id, back=True)
    # A new one has no number yet, and is the last.
    place = 1 + sum(one.held_back and (not generation.seq or one.seq < generation.seq) for one in opened)
    tell_place(tx, generation, place)
    return place


def let_in(tx: Transaction, user: str) -> None:
    """Fewer answers of this user are under way: orders those held back for whom there is room, and tells the others."""
    waiting = generations.held_back(tx.connection, user)
    if not waiting:
        return
    free = tx.limits.user_concurrency - under_way(generations.open_of_user(tx.connection, user))
    for generation in waiting[: max(0, free)]:
        let_go(tx, generation)
    if free > 0:
        for place, generation in enumerate(waiting[free:], start=1):
            tell_place(tx, generation, place)


def let_go(tx: Transaction, generation: Generation) -> None:
    """Orders one that was held back."""
    generations.hold(tx.connection, generation.id, back=False)
    generations.ordered(tx.connection, generation.id, tx.ticks, again=False)
    tx.order(generation.user, generation.conversation_id, generation.id)
