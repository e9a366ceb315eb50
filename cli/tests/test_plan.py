"""What `--scale` may say."""

import pytest

from colloquy.errors import Misused
from colloquy.plan import SERVICES, check_database, planned


def test_what_is_not_named_runs_once():
    plan = planned(" inference=2 , gateway=3,")
    assert plan.copies == {"memory": 1, "inference": 2, "transcribe": 1, "workflow": 1, "gateway": 3}
    assert list(plan.names("inference")) == [("inference", "inference-1"), ("inference", "inference-2")]
    assert len(list(plan.names(*SERVICES))) == 8


@pytest.mark.parametrize("scale", ["inference", "inference=0", "inference=-1", "inference=²", "inference=65", "chef=1", "=1"])
def test_anything_else_is_refused_in_a_sentence(scale):
    with pytest.raises(Misused):
        planned(scale)


def test_only_sqlite_is_limited_to_one_memory():
    with pytest.raises(Misused, match="one process only"):
        check_database(planned("memory=2"), "sqlite:///x.db")
    check_database(planned("memory=2"), "postgresql://db/colloquy")
    check_database(planned(""), "sqlite:///x.db")
