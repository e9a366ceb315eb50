"""Many histories, one after the other and side by side, in some of which memory is killed."""

import asyncio
import os
import random
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from linearizability.checker import Undecided, Verdict
from linearizability.clients import CLIENTS, STEPS_EACH, begin, live
from linearizability.history import History
from linearizability.judge import judge
from linearizability.nemesis import Replicas, disturb
from linearizability.witness import Versions, last_version, versions_of
from shared.bus import Bus

SIDE_BY_SIDE = 5
TOLD_EVERY = 50
KILLED = 0.4
"""In this share of the rounds memory is killed once."""


def how_many(usual: int) -> int:
    """Histories to record: `COLLOQUY_HISTORIES`, or what a usual test run has time for."""
    return int(os.environ.get("COLLOQUY_HISTORIES", usual))


def first_seed() -> int:
    """`COLLOQUY_SEED` begins where another run began."""
    return int(os.environ.get("COLLOQUY_SEED", random.SystemRandom().randrange(1_000_000)))


async def histories(
    some: Replicas,
    buses: list[Bus],
    seed: int,
    count: int,
    killed: float = KILLED,
    side_by_side: int = SIDE_BY_SIDE,
) -> AsyncGenerator[tuple[History, Versions]]:
    """This many histories of as many users, their plans drawn from `seed` and the numbers after it; and what the feed says."""
    for first in range(seed, seed + count, side_by_side):
        dice = random.Random(first)
        seeds = range(first, min(first + side_by_side, seed + count))
        tables = [await begin(number, f"u{number}", buses[0]) for number in seeds]
        async with asyncio.TaskGroup() as tasks:
            living = [tasks.create_task(live(table, buses)) for table in tables]
            if dice.random() < killed:
                tasks.create_task(disturb(some, tables, dice, CLIENTS * STEPS_EACH // 2))
        for table, task in zip(tables, living, strict=True):
            history = task.result()
            last = last_version(history.ops)
            yield history, await versions_of(buses[0], history.user, history.conversations, last, table.names)


@dataclass(slots=True)
class Tally:
    """What a campaign has seen."""

    seed: int
    histories: int = 0
    operations: int = 0
    unknown: int = 0
    places: int = 0
    kills: int = 0

    def count(self, history: History, verdict: Verdict) -> None:
        """One more history."""
        self.histories += 1
        self.operations += len(history.ops)
        self.unknown += sum(op.outcome is None for op in history.ops)
        self.places += verdict.places


async def campaign(some: Replicas, buses: list[Bus], seed: int, count: int, folder: Path) -> Tally:
    """Judges this many histories. Raises AssertionError with the story of one that nothing explains."""
    tally = Tally(seed)
    print(f"seed {seed}, {count} histories")
    async for history, versions in histories(some, buses, seed, count):
        try:
            verdict = judge(history, versions)
        except Undecided as undecided:
            raise AssertionError(f"seed {history.seed}, kept in {history.save(folder)}") from undecided
        tally.count(history, verdict)
        if not verdict.holds:
            raise AssertionError(f"seed {history.seed}, kept in {history.save(folder)}\n{verdict.story()}")
        tally.kills = some.kills
        if tally.histories % TOLD_EVERY == 0:
            print(tally, flush=True)
    print(tally)
    return tally
