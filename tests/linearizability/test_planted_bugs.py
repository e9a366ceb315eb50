"""A checker that finds nothing proves nothing: it finds every bug that is planted."""

from contextlib import suppress
from pathlib import Path

import pytest

from linearizability import planted
from linearizability.campaign import first_seed, histories
from linearizability.checker import Undecided
from linearizability.judge import judge
from linearizability.nemesis import Replicas, replicas
from memory.app import application
from memory.settings import MemorySettings

ENOUGH = 40
"""Histories in which a bug must have shown. Most show in the first one."""


@pytest.fixture
async def buses(new_bus):
    return [await new_bus() for _ in range(3)]


async def first_violation(some, buses, count=ENOUGH, **more):
    """The first history that nothing explains, and why; None when all can be explained."""
    async for history, versions in histories(some, buses, first_seed(), count, **more):
        with suppress(Undecided):  # a bug may make so many orders possible that another history is quicker
            verdict = judge(history, versions)
            if not verdict.holds:
                return verdict.story()
    return None


@pytest.mark.parametrize("bug", planted.PLANTS, ids=lambda bug: bug.__name__)
async def test_a_planted_bug_is_found(bug, monkeypatch, new_bus, buses, tmp_path):
    planted.plant(monkeypatch, bug)
    settings = MemorySettings(database_url=f"sqlite:///{tmp_path}/colloquy.db", lease_seconds=3600)
    async with application(settings, await new_bus("memory")):
        story = await first_violation(Replicas({}), buses, killed=0, side_by_side=1)
    assert story is not None


async def test_where_no_bug_is_planted_none_is_found(new_bus, buses, tmp_path):
    settings = MemorySettings(database_url=f"sqlite:///{tmp_path}/colloquy.db", lease_seconds=3600)
    async with application(settings, await new_bus("memory")):
        assert await first_violation(Replicas({}), buses, count=5, killed=0) is None


@pytest.mark.slow
async def test_an_answer_before_the_commit_is_found_when_memory_is_killed(nats_server, buses, tmp_path):
    program = (str(Path(__file__).with_name("early_answers.py")),)
    database = f"sqlite:///{tmp_path}/colloquy.db"
    async with replicas(nats_server.url("memory"), database, buses[0], command=program) as some:
        story = await first_violation(some, buses, killed=1)
    assert story is not None
