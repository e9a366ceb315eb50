"""F22: the circuit breaker as a function of time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.circuit import LONGEST_TOLD, WELL, Breaker, Circuit
from inference.circuits import Circuits
from inference.failure import LeftAlone, UpstreamRefused, UpstreamUnavailable

BREAKER = Breaker(failures=3, seconds=10.0)


def after(*failures: float, circuit: Circuit = WELL) -> Circuit:
    for now in failures:
        circuit = circuit.failed(BREAKER, now)
    return circuit


def test_f22_it_opens_after_so_many_failures_in_a_row():
    assert after(0.0, 1.0).state(BREAKER, 1.0) == "closed"
    assert after(0.0, 1.0, 2.0).state(BREAKER, 2.0) == "open"


def test_f22_it_is_half_open_after_its_time_and_lets_one_through():
    circuit = after(0.0, 0.0, 0.0)
    assert [circuit.state(BREAKER, now) for now in (9.9, 10.0)] == ["open", "half_open"]
    tried = circuit.asked(BREAKER, 10.0)
    assert [tried.state(BREAKER, now) for now in (10.0, 19.9, 20.0)] == ["open", "open", "half_open"]


def test_f22_whoever_tries_closes_it_by_a_first_token_and_opens_it_by_a_failure():
    tried = after(0.0, 0.0, 0.0).asked(BREAKER, 10.0)
    assert tried.spoke(BREAKER).state(BREAKER, 11.0) == "closed"
    assert tried.spoke(BREAKER).failed(BREAKER, 11.0).state(BREAKER, 11.0) == "open", "cut again: trust was on probation"
    assert tried.failed(BREAKER, 11.0).state(BREAKER, 20.9) == "open"


def test_f24_the_time_that_the_server_names_counts_within_reason():
    told = after(0.0, 0.0).failed(BREAKER, 0.0, 30.0)
    assert [told.state(BREAKER, now) for now in (29.0, 30.0)] == ["open", "half_open"]
    assert after(0.0, 0.0).failed(BREAKER, 0.0, 1e9).until == LONGEST_TOLD


def test_without_a_limit_it_never_opens():
    circuit = WELL
    for now in range(100):
        circuit = circuit.failed(Breaker(0, 10.0), float(now))
    assert circuit.state(Breaker(0, 10.0), 100.0) == "closed"


@given(st.lists(st.tuples(st.sampled_from(["asked", "failed", "spoke", "ended"]), st.floats(0, 5)), max_size=60))
def test_whatever_happens_it_is_open_only_after_failures_and_never_for_ever(events: list[tuple[str, float]]):
    circuit, now, failures = WELL, 0.0, 0
    for event, passed in events:
        now += passed
        failures = failures + 1 if event == "failed" else 0 if event == "ended" else failures
        moves: dict[str, Any] = {
            "asked": lambda c, t: c.asked(BREAKER, t),
            "failed": lambda c, t: c.failed(BREAKER, t),
            "spoke": lambda c, _: c.spoke(BREAKER),
            "ended": lambda _c, _t: WELL,
        }
        circuit = moves[event](circuit, now)
        assert circuit.state(BREAKER, now) == "closed" or failures >= BREAKER.failures
        assert circuit.state(BREAKER, now + BREAKER.seconds) != "open"


def test_each_provider_has_its_own_and_what_a_server_refuses_does_not_count():
    now = 0.0
    circuits = Circuits(BREAKER, lambda: now)
    for _ in range(9):
        circuits.failed("a", UpstreamRefused())
        circuits.failed("a", LeftAlone())
    circuits.ask("a")
    for _ in range(3):
        circuits.failed("a", UpstreamUnavailable())
    circuits.ask("b")
    with pytest.raises(LeftAlone) as left:
        circuits.ask("a")
    assert left.value.retry_after == 10.0
    now = 10.0
    circuits.ask("a")
    with pytest.raises(LeftAlone):
        circuits.ask("a")
    circuits.spoke("a")
    circuits.ended("a")
    circuits.ask("a")
