"""Is there an order that explains this history? First of each conversation alone, then of everything the user has."""

from collections.abc import Iterable
from typing import Any

from linearizability.checker import Verdict, find_order
from linearizability.history import History, Ok, Op
from linearizability.model import State
from linearizability.steps import STEPS, TASKS, TOO_MANY, WHOLE, beginning, conversation_of, too_late
from linearizability.witness import Versions, agrees

Before = dict[str, set[str]]
"""For each key the keys that some list showed before it."""


def judge(history: History, versions: Versions | None = None) -> Verdict:
    """The first part that nothing explains, or the order of the whole.

    The parts are smaller, so what is wrong with one is found sooner, and is told in fewer words. They are sound because
    conversations and tasks share nothing but the version, which only a snapshot shows, and the limit of open answers,
    which parts let happen at any time. With `versions`, what the feed says, its order is tried before any other.
    """
    initial = beginning(history.conversations, len(history.conversations))
    if versions is not None:
        guided = find_order(history.ops, initial, _Model(history.ops, whole=True, versions=versions).step, too_late)
        if guided.holds:
            return guided
    tasks = [op for op in history.ops if op.kind in TASKS]
    for part in (tasks, *(_of_conversation(history, name) for name in history.conversations)):
        verdict = find_order(part, beginning(history.conversations, 0), _Model(part, whole=False).step, too_late)
        if not verdict.holds:
            return verdict
    return find_order(history.ops, initial, _Model(history.ops, whole=True).step, too_late)


def _of_conversation(history: History, name: str) -> list[Op]:
    written = {op.args["key"]: op.args["conversation"] for op in history.ops if op.kind in ("send", "edit")}
    return [op for op in history.ops if op.kind not in WHOLE and conversation_of(op, written) == name]


class _Model:
    def __init__(self, ops: Iterable[Op], *, whole: bool, versions: Versions | None = None) -> None:
        self.before = _seen_before(ops)
        self.whole, self.versions = whole, versions

    def step(self, state: State, op: Op) -> State | None:
        """See `checker.Step`."""
        if not self.whole and op.outcome == TOO_MANY:
            return state
        after, answer = STEPS[op.kind](state, op.args)
        if op.outcome is not None and answer != op.outcome and not (answer == TOO_MANY and not self.whole):
            return None
        if op.kind in ("send", "edit") and after is not state and self.early(state, op):
            return None
        if self.versions is not None and after is not state and not agrees(self.versions, op, state, after):
            return None
        return after

    def early(self, state: State, op: Op) -> bool:
        """Messages are only ever appended: what a list shows before this one must be there when this one comes."""
        before = self.before.get(op.args["key"])
        return bool(before) and not before <= {row.name for row in state.rows}


def _seen_before(ops: Iterable[Op]) -> Before:
    before: Before = {}
    for op in ops:
        if op.kind in ("tree", "snapshot") and isinstance(op.outcome, Ok):
            seen: Any = op.outcome.value
            rows = seen if op.kind == "tree" else seen[2]
            names: list[str] = [row[0] for row in rows if not row[0].endswith("!")]
            for place, name in enumerate(names):
                before.setdefault(name, set()).update(names[:place])
    return before
