"""The checker on histories that are short enough to judge by eye: a register that is written and read."""

import pytest

from linearizability.checker import Undecided, find_order
from linearizability.history import NEVER, History, Ok, Op, load


def write(value, called, returned):
    return Op("w", "write", {"value": value}, called, returned, None if returned == NEVER else Ok())


def read(value, called, returned):
    return Op("r", "read", {}, called, returned, Ok(value))


def step(state, op):
    if op.kind == "write":
        return op.args["value"]
    return state if op.outcome.value == state else None


def holds(*ops):
    return find_order(ops, 0, step).holds


def test_who_asks_after_a_write_was_answered_sees_it():
    assert holds(write(1, 1, 2), read(1, 3, 4))
    assert not holds(write(1, 1, 2), read(0, 3, 4))


def test_who_asks_during_a_write_sees_it_or_not():
    assert holds(write(1, 1, 4), read(0, 2, 3))
    assert holds(write(1, 1, 4), read(1, 2, 3))


def test_what_was_seen_once_is_not_unseen():
    assert holds(write(1, 1, 6), read(0, 2, 3), read(1, 4, 5))
    assert not holds(write(1, 1, 6), read(1, 2, 3), read(0, 4, 5))


def test_a_write_without_an_answer_happened_late_or_never():
    lost = write(1, 1, NEVER)
    assert holds(lost, read(0, 2, 3))
    assert holds(lost, read(0, 2, 3), read(1, 4, 5))
    assert not holds(lost, read(1, 2, 3), read(0, 4, 5))


def test_nobody_sees_what_nobody_wrote():
    assert not holds(write(1, 1, 2), write(2, 3, NEVER), read(3, 4, 5))


def test_two_readers_see_two_writes_in_one_order():
    writes = [write(1, 1, 10), write(2, 2, 11)]
    assert holds(*writes, read(1, 3, 4), read(2, 5, 6))
    assert not holds(*writes, read(1, 3, 4), read(2, 5, 6), read(1, 7, 8))


def test_an_order_that_was_found_explains_every_answer():
    ops = [write(1, 1, 10), write(2, 2, 9), read(2, 3, 4), read(1, 5, 6)]
    state = 0
    for op in find_order(ops, 0, step).order:
        state = step(state, op)
        assert state is not None


def test_a_search_that_is_given_up_says_so():
    ops = [write(value, 1, 100) for value in range(1, 9)]
    with pytest.raises(Undecided):
        find_order([*ops, read(99, 101, 102)], 0, step, most=20)


def test_a_history_can_be_written_down_and_judged_elsewhere(tmp_path):
    kept = History(7, "u", ["c"], [write(1, 1, NEVER), read((1, ("a", None)), 2, 3)])
    found = load(kept.save(tmp_path))
    assert [str(op) for op in found.ops] == [str(op) for op in kept.ops]
    assert found.ops[1].outcome == kept.ops[1].outcome
