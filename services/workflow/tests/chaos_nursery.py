"""Workers of a campaign: forked from this process, which has imported everything, and started again when they have died.

Each worker dies by its own hand, at points of the engine that are named here: by SIGKILL, by SIGTERM, by SIGSTOP until long
after its lease. `python chaos_nursery.py REPORT WORKERS KILLS CHANCE SEED`; when it is told to end, it kills what it has.
"""

import json
import mmap
import os
import random
import signal
import struct
import sys
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import chaos_workflow

from shared.contract import workflow as contract
from shared.service import run
from workflow import app, worker
from workflow.adapters import journals
from workflow.settings import WorkflowSettings

SOON = 1.5
"""Seconds without a sign of life; the test sets the consumer to the same."""

FROZEN = 3.0
HOW = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGTERM, signal.SIGSTOP)
SLOTS = 8
"""Few, so that one death takes only a few workflows with it, and the others go on meanwhile."""


class Fate:
    """What decides when a worker dies; the count of all deaths is shared with the others."""

    def __init__(self, shared: mmap.mmap, most: int, chance: float, seed: int) -> None:
        self._shared, self._most, self._chance = shared, most, chance
        self._random = random.Random(seed)

    @property
    def deaths(self) -> int:
        return struct.unpack_from("i", self._shared, 0)[0]

    def at(self, point: int) -> None:
        """Dies here, perhaps."""
        if self.deaths >= self._most or self._random.random() >= self._chance:
            return
        struct.pack_into("i", self._shared, 0, self.deaths + 1)
        (count,) = struct.unpack_from("i", self._shared, 8 + 4 * point)
        struct.pack_into("i", self._shared, 8 + 4 * point, count + 1)
        os.kill(os.getpid(), self._random.choice(HOW))


POINTS = ("before the effect", "after the effect", "before the journal", "after the journal", "before the ack")


def instrument(fate: Fate) -> None:
    """Puts the points into the engine: around what it does in the world, writes, and acknowledges."""

    class Journals(journals.StreamJournals):
        async def append(self, page: Any, expect: int) -> tuple[int, int]:
            fate.at(2)
            stored = await super().append(page, expect)
            fate.at(3)
            return stored

    class Worker(worker.Worker):
        async def wake(self, order: Any, delivery: Any) -> None:
            await super().wake(order, delivery)
            fate.at(4)

    app.StreamJournals, app.Worker = Journals, Worker  # type: ignore[misc]
    chaos_workflow.before, chaos_workflow.after = partial(fate.at, 0), partial(fate.at, 1)


def work(fate: Fate) -> None:
    """A worker, in a process of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    contract.RUN = replace(contract.RUN, ack_wait=SOON)
    instrument(fate)
    settings = WorkflowSettings(slots=SLOTS, grace_seconds=0.2)
    run("workflow", partial(app.application, settings, definitions=[chaos_workflow.chaos]))


class Nursery:
    """Keeps so many of them alive."""

    def __init__(self, most: int, chance: float, seed: int) -> None:
        self._shared = mmap.mmap(-1, 4096)
        self._most, self._chance, self._seed = most, chance, seed
        self._thaw: dict[int, float] = {}
        self.children: set[int] = set()
        self.ends: Counter[str] = Counter()
        self.last = 0.0
        self.born = 0

    def bear(self) -> None:
        self.born += 1
        fate = Fate(self._shared, self._most, self._chance, self._seed * 1_000_000 + self.born)
        pid = os.fork()
        if pid == 0:
            try:
                work(fate)
            finally:
                os._exit(0)
        self.children.add(pid)

    def look(self) -> None:
        """Sees who has died, who is frozen, and who has been so for long enough."""
        while self.children:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            if pid == 0:
                break
            self.last = time.time()
            if os.WIFSTOPPED(status):
                self.ends["frozen"] += 1
                self._thaw[pid] = time.monotonic() + FROZEN
                continue
            killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            self.ends["killed" if killed else "told to stop"] += 1
            self.children.discard(pid)
            self.bear()
        for pid, at in [*self._thaw.items()]:
            if time.monotonic() >= at:
                del self._thaw[pid]
                os.kill(pid, signal.SIGCONT)

    def report(self) -> dict[str, Any]:
        counts = struct.unpack_from(f"{len(POINTS)}i", self._shared, 8)
        deaths = struct.unpack_from("i", self._shared, 0)[0]
        return {"deaths": deaths, "points": dict(zip(POINTS, counts, strict=True)), "ends": self.ends, "last": self.last}


def main() -> None:
    """Until SIGTERM."""
    file, count, most, chance, seed = sys.argv[1:]
    nursery = Nursery(int(most), float(chance), int(seed))
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    for _ in range(int(count)):
        nursery.bear()
    while signal.SIGTERM not in signal.sigpending():
        nursery.look()
        Path(file).with_suffix(".new").write_text(json.dumps(nursery.report()))
        Path(file).with_suffix(".new").replace(file)
        time.sleep(0.05)
    for pid in nursery.children:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
