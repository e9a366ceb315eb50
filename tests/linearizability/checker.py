"""Looks for an order of operations, one at a time, that explains what every client was told.

The search of Wing and Gong (https://doi.org/10.1006/jpdc.1993.1015) with the memory of Lowe
(https://www.cs.ox.ac.uk/people/gavin.lowe/LinearizabiltyTesting/paper.pdf): a place that was visited is not visited again.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from linearizability.history import Op

S = TypeVar("S", bound=Hashable)

Step = Callable[[S, Op], S | None]
"""The state after an operation; None when it could not have been answered so. The same object when it changes nothing."""

TooLate = Callable[[S, Op], bool]
"""Whether an operation that was answered can't be explained any more from this state, whatever follows. It may miss some."""

MOST_PLACES = 150_000


class Undecided(Exception):
    """The search was given up; that says nothing about the history."""


@dataclass(slots=True)
class Verdict:
    """The order that was found, or None; and how far the search came, for people."""

    order: list[Op] | None
    furthest: list[Op] = field(default_factory=list[Op])
    stuck: list[Op] = field(default_factory=list[Op])
    places: int = 0

    @property
    def holds(self) -> bool:
        """Whether there is an order that explains everything."""
        return self.order is not None

    def story(self) -> str:
        """What could be explained, and what could not."""
        explained = "\n".join(f"  {op}" for op in self.furthest[-25:])
        stuck = "\n".join(f"  {op}" for op in self.stuck)
        return f"explained so far ({len(self.furthest)}):\n{explained}\nnone of these can come next:\n{stuck}"


@dataclass(slots=True)
class _Place(Generic[S]):
    """What has been done, as bits, and the state that led to. `came` is how: the place before and the operations since."""

    done: int
    state: S
    came: "tuple[_Place[S], tuple[int, ...]] | None"
    moves: "Iterator[_Place[S]]" = field(default_factory=lambda: iter(()))


class _Search(Generic[S]):
    def __init__(self, ops: Sequence[Op], step: Step[S], too_late: TooLate[S], most: int) -> None:
        self.ops = sorted(ops, key=lambda op: op.called)
        self.step, self.too_late, self.most = step, too_late, most
        # Whoever was answered has to have a place; of the others some may never have happened.
        self.answered = sum(1 << number for number, op in enumerate(self.ops) if op.outcome is not None)
        self.seen: set[tuple[int, S]] = set()

    def run(self, initial: S) -> Verdict:
        stack = [self.enter(_Place(0, initial, None))]
        best = stack[0]
        while stack:
            place = stack[-1]
            if place.done & self.answered == self.answered:
                return Verdict(self.path(place), places=len(self.seen))
            if (place.done & self.answered).bit_count() > (best.done & self.answered).bit_count():
                best = place
            following = next(place.moves, None)
            if following is None:
                stack.pop()
            elif self.is_new(following):
                stack.append(self.enter(following))
        stuck = [self.ops[number] for number in self.candidates(best.done)]
        return Verdict(None, self.path(best), stuck, len(self.seen))

    def is_new(self, place: _Place[S]) -> bool:
        key = (place.done, place.state)
        if key in self.seen:
            return False
        if len(self.seen) >= self.most:
            raise Undecided(f"{self.most} places visited")
        self.seen.add(key)
        return True

    def enter(self, place: _Place[S]) -> _Place[S]:
        """Whatever can be explained here and changes nothing happens here: later it would be no easier, and nobody notices."""
        absorbed = True
        while absorbed:
            absorbed = False
            for number in self.candidates(place.done):
                op = self.ops[number]
                if op.outcome is not None and self.step(place.state, op) is place.state:
                    place = _Place(place.done | 1 << number, place.state, (place, (number,)))
                    absorbed = True
        place.moves = self.moves(place)
        return place

    def moves(self, place: _Place[S]) -> Iterator[_Place[S]]:
        candidates = [self.ops[number] for number in self.candidates(place.done)]
        if any(self.too_late(place.state, op) for op in candidates if op.outcome is not None):
            return
        # Who was answered first is tried first, and who never was, last: mostly it was so.
        for number in sorted(self.candidates(place.done), key=lambda number: self.ops[number].returned):
            state = self.step(place.state, self.ops[number])
            if state is not None and state is not place.state:
                yield _Place(place.done | 1 << number, state, (place, (number,)))

    def candidates(self, done: int) -> list[int]:
        """Operations that may come next: they were called before any other that is left had been answered."""
        found: list[int] = []
        first_answer = None
        first_left = (~done & (done + 1)).bit_length() - 1
        for number in range(first_left, len(self.ops)):
            op = self.ops[number]
            if done >> number & 1:
                continue
            if first_answer is not None and op.called > first_answer:
                break
            first_answer = op.returned if first_answer is None else min(first_answer, op.returned)
            found.append(number)
        return found

    def path(self, place: _Place[S]) -> list[Op]:
        numbers: list[int] = []
        at: _Place[S] | None = place
        while at is not None and at.came is not None:
            at, some = at.came[0], at.came[1]
            numbers += some
        return [self.ops[number] for number in reversed(numbers)]


def find_order(
    ops: Sequence[Op], initial: S, step: Step[S], too_late: TooLate[S] = lambda *_: False, most: int = MOST_PLACES
) -> Verdict:
    """An order in which these operations, one at a time, have these answers. Raises Undecided after `most` places."""
    return _Search(ops, step, too_late, most).run(initial)
