"""What readers were shown of an answer is what memory stores of it, however it is cut, and whoever ends it when."""

import asyncio
import json
import os
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mortal import Process, World

from inference import attempt
from shared.contract.objects import Problem

WORDS = ("Hé", "llo ", "🙂", "\0", "\ufffd", "\n\n", "x" * 40_000, "[EMAIL_1]", "[EM", "AIL_1]", "[")
TAGS = ("<think>", "hm", "</think>", "<tool_call>{", "</tool_call>", "<")
PIECES = st.lists(st.sampled_from((*WORDS, *TAGS)), max_size=8)
WHATS = (
    "stops",
    "stops after its death",
    "dies",
    "freezes",
    "freezes stopped",
    "leaves",
    "leaves stopped",
    "falls silent",
    "is given up",
)
FREEZES = ("freezes", "freezes stopped")


@st.composite
def bodies(draw: st.DrawFn) -> list[bytes]:
    """The bytes of one answer as a server sends them, cut anywhere; characters may be cut in two by the server itself."""
    text = "".join(draw(PIECES))
    units = text.encode("utf-16-le") if draw(st.booleans()) else b""
    deltas = [units[i : i + 2].decode("utf-16-le", "surrogatepass") for i in range(0, min(len(units), 60), 2)] or [text]
    whole = b"".join(b"data: %b\n\n" % json.dumps({"choices": [{"delta": {"content": one}}]}).encode() for one in deltas)
    whole += b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
    cuts = draw(st.lists(st.integers(0, len(whole)), max_size=12))
    places = [0, *sorted(cuts), len(whole)]
    return [whole[a:b] for a, b in pairwise(places) if a < b]


Life = tuple[str, int, list[bytes]]
LIVES = st.lists(st.tuples(st.sampled_from(WHATS), st.integers(0, 13), bodies()), min_size=1, max_size=4)


async def act(world: World, what: str, process: Process, task: asyncio.Task[None], frozen: list[Process]) -> None:
    """What happens to a worker in the middle of an answer."""
    if what in ("stops", "stops after its death", "freezes stopped", "leaves stopped"):
        world.stop = True
    if what in ("stops", "leaves stopped"):
        process.stop()
    if what in ("dies", "stops after its death", "is given up"):
        process.dead = True
    if what == "is given up":
        world.abandoned = Problem(code="abandoned", message="")
    if what in FREEZES:
        process.awake.clear()
        frozen.append(process)
    elif what not in ("stops", "falls silent"):
        task.cancel()


async def lived(world: World, lives: list[Life]) -> None:
    """One worker after the other has the order; the last one has time to end it. The frozen ones wake up at the end."""
    frozen: list[Process] = []
    tasks: list[asyncio.Task[None]] = []
    for what, when, chunks in [*lives, ("", -1, lives[-1][2])]:
        hit = asyncio.Event()

        async def happens(process: Process, what: str = what, hit: asyncio.Event = hit) -> None:
            await act(world, what, process, tasks[-1], frozen)
            hit.set()
            if what == "falls silent":
                await asyncio.Event().wait()
            await process.awake.wait()

        process = Process(world, chunks, when, happens)
        tasks.append(asyncio.create_task(process.run()))
        await _over(tasks[-1], hit if what in FREEZES else None)
        if world.end is not None:
            break
    for process in frozen:
        process.awake.set()
    await asyncio.wait(tasks, timeout=20)
    assert all(task.done() for task in tasks), "it hangs"
    for task in tasks:
        assert task.cancelled() or task.exception() is None, task.exception()


async def _over(task: asyncio.Task[None], hit: asyncio.Event | None) -> None:
    """Until the worker is done with the order, or is frozen."""
    waits = [task, *([asyncio.ensure_future(hit.wait())] if hit else [])]
    done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    assert done, "it hangs"
    for one in waits[1:]:
        one.cancel()


def run(lives: list[Life], acks: tuple[int, ...]) -> World:
    world = World(acks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attempt, "LEAVE_SECONDS", 0.02)
        asyncio.run(lived(world, lives))
    return world


@settings(
    max_examples=int(os.environ.get("COLLOQUY_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="COLLOQUY_EXAMPLES" not in os.environ,
)
@given(LIVES, st.lists(st.integers(0, 6), min_size=1, max_size=4).map(tuple))
def test_f21_what_was_shown_is_what_is_stored(lives: list[Life], acks: tuple[int, ...]):
    world = run(lives, acks)
    assert world.end is not None, "it never ended"
    assert world.end.text == world.shown
