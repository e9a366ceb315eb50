"""One answer from its order to its end: who may run it, when it ends, and what that does to those that wait behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from memory.budget import NONE, Amount
from shared.contract.objects import FinishReason, GenerationStatus, IfBusy, Problem
from shared.errors import ConversationBusy, LostLease, TooMany

WAIT_BEHIND = 1.0
"""Seconds until a worker should ask again for an answer that is not the conversation's next. Its order comes anyway."""

CANCELLED = Problem(code="cancelled", message="This answer was stopped.")


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation as it is stored. `seq` is the order of acceptance, `lease_until` in ticks of the clock."""

    seq: int
    id: str
    conversation_id: str
    user: str
    user_message_id: str
    answer_id: str
    status: GenerationStatus
    epoch: int
    lease_until: float
    stop_requested: bool
    model: str | None = None
    persona: str | None = None
    language: str | None = None
    sampling: str = "{}"
    abandoned: str | None = None
    crowded: bool = False
    demands: str | None = None
    """See `Demands`; in JSON."""
    rounds: int = 0
    reserved: Amount = NONE
    prompt_tokens: int = 0
    held_back: bool = False
    """Whether it waits until fewer of its user's answers are under way; it is the first of its conversation."""

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.status in ("queued", "running", "waiting")

    @property
    def started(self) -> bool:
        """Whether a worker has begun it: there may be text of it, which only a worker can save. One that waits for a decision
        has its text in its rounds."""
        return self.open and self.epoch > 0 and self.status != "waiting"


@dataclass(frozen=True, slots=True)
class Admission:
    """What becomes of the conversation's open generations when another message comes."""

    cancel: tuple[Generation, ...] = ()
    stop: tuple[Generation, ...] = ()
    ahead: int = 0


def admit(if_busy: IfBusy, opened: Sequence[Generation]) -> Admission:
    """Decides what a new message does to those that are open. Raises ConversationBusy for `reject`."""
    if not opened:
        return Admission()
    if if_busy == "reject":
        raise ConversationBusy
    if if_busy == "interrupt":
        cancel, stop = stopping(opened)
        return Admission(cancel, stop, len(stop))
    return Admission(ahead=len(opened))


def refuse_too_many(opened: int, limit: int) -> None:
    """Raises TooMany when this user has as many answers open as one may."""
    if opened >= limit:
        raise TooMany("Too many answers are waiting; let some of them end first.", retry_after=2.0)


def stopping(opened: Sequence[Generation]) -> tuple[tuple[Generation, ...], tuple[Generation, ...]]:
    """Those that end at once, and those whose worker has to end them."""
    cancel = tuple(generation for generation in opened if not generation.started)
    stop = tuple(generation for generation in opened if generation.started)
    return cancel, stop


def under_way(opened: Sequence[Generation], but: str = "") -> int:
    """How many of a user's open generations, in order of acceptance, a worker has or may take now; not counting one."""
    firsts: dict[str, Generation] = {}
    for generation in opened:
        firsts.setdefault(generation.conversation_id, generation)
    return sum(first.id != but and first.status != "waiting" and not first.held_back for first in firsts.values())


@dataclass(frozen=True, slots=True)
class Grant:
    """What a worker that asks for a generation is told."""

    decision: Literal["run", "wait", "done"]
    seconds: float = 0
    epoch: int = 0


def claim(generation: Generation | None, opened: Sequence[Generation], ticks: float, lease: float) -> Grant:
    """Decides about a claim. `opened` are the conversation's open generations in order of acceptance.

    Whoever waits for a decision, or behind such a one, is ordered again when the time has come, which may be days. So is what
    is held back.
    """
    if generation is None or not generation.open or generation.held_back or opened[0].status == "waiting":
        return Grant("done")
    if opened[0].id != generation.id:
        return Grant("wait", max(WAIT_BEHIND, lease_left(opened[0], ticks)))
    left = lease_left(generation, ticks)
    if left > 0:
        return Grant("wait", left)
    return Grant("run", lease, generation.epoch + 1)


def lease_left(generation: Generation, ticks: float) -> float:
    """Seconds for which a worker still holds it; 0 when none does."""
    return max(0.0, generation.lease_until - ticks) if generation.status == "running" else 0.0


def held(generation: Generation | None, epoch: int) -> Generation:
    """The generation, if the attempt `epoch` runs it now. Raises LostLease."""
    if generation is None or generation.status != "running" or generation.epoch != epoch:
        raise LostLease
    return generation


def repeats(generation: Generation | None, epoch: int, outcome: str) -> bool:
    """Whether this very attempt has ended it so before."""
    return generation is not None and generation.epoch == epoch and generation.status == outcome


def finish_reason(outcome: str, given: FinishReason) -> FinishReason:
    """Why the answer ended, as clients are told."""
    if outcome == "cancelled":
        return "cancelled"
    return "error" if outcome == "failed" else given


@dataclass(frozen=True, slots=True)
class Shift:
    """How the queue of a conversation moves up: what is ordered now, and who waits at which place."""

    order: Generation | None
    places: tuple[tuple[Generation, int], ...]


def shift(before: Sequence[Generation], after: Sequence[Generation]) -> Shift:
    """What changes when the open generations `before` become `after`, both in order of acceptance.

    Nobody is told of place 0: the one that comes to it is ordered, and its start could be stored before such a word.
    """
    were = {generation.id: place for place, generation in enumerate(before)}
    moved = tuple((g, place) for place, g in enumerate(after) if place > 0 and were.get(g.id) != place)
    first = after[0] if after and after[0].status == "queued" and were.get(after[0].id) != 0 else None
    return Shift(first, moved)


@dataclass(frozen=True, slots=True)
class Age:
    """Of an open generation, how long ago things happened. `first`: it is the next one of its conversation."""

    status: str
    first: bool
    lease_until: float
    ordered_at: float
    orders: int


def order_lost(age: Age, ticks: float, silence: float, patience: float) -> bool:
    """Whether to order it again: nobody has begun it for `patience` seconds, or its lease ended `silence` seconds ago.

    The patience doubles with each order, so that a long queue of work is not made longer for ever.
    """
    waited = ticks - age.ordered_at > patience * 2 ** min(age.orders, 10)
    if age.status == "waiting":
        return False
    if age.status == "running":
        return ticks - age.lease_until > silence and (waited or age.ordered_at < age.lease_until)
    return age.first and waited
