"""The whole path, model excluded: HTTP in, durable, through every service, tokens out. Against a server that stores nothing.

Prints Markdown tables. Everything runs on the loopback, is bounded, and stops by itself.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import uvloop

from benchmarks.http_load import Connection, Turn
from benchmarks.machine import free_port, machine

FIRST_TOKEN = b"llm.token"
SETTINGS = {
    "GATEWAY_RATE_PER_MINUTE": "10000000",
    "GATEWAY_RATE_BURST": "1000000",
    "GATEWAY_STREAMS_PER_USER": "100000",
    "LOG_LEVEL": "warning",
}
ALONE_TURNS = 300
CLIENTS, TURNS_EACH = 50, 30
STREAMS, PACE, SECONDS = 50, 30, 12
IDLE_SECONDS = 10
CALM, LOOK_SECONDS, CALM_SECONDS = 0.05, 2, 90
"""Share of a core below which nobody works any more, over how long it is looked at, and for how long that is waited for."""


@contextmanager
def colloquy(tokens_per_second: int) -> Iterator[tuple[int, psutil.Process]]:
    """A running `colloquy up` on a port of its own."""
    port = free_port()
    with tempfile.TemporaryDirectory() as data:
        environment = {**os.environ, **SETTINGS, "INFERENCE_DEMO_TOKENS_PER_SECOND": str(tokens_per_second)}
        command = [sys.executable, "-m", "colloquy", "up", "--port", str(port), "--data", data]
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
            try:
                _wait_ready(f"http://127.0.0.1:{port}/readyz", process)
                yield port, psutil.Process(process.pid)
            finally:
                process.terminate()


@contextmanager
def plain() -> Iterator[tuple[int, psutil.Process]]:
    """The baseline: FastAPI's own server-sent events from a loop, one process, nothing stored, nothing shared."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.plain:app", "--port", str(port), "--log-level", "warning"]
    with subprocess.Popen(command, cwd=Path(__file__).parents[1]) as process:
        try:
            _wait_ready(f"http://127.0.0.1:{port}/readyz", process)
            yield port, psutil.Process(process.pid)
        finally:
            process.terminate()


def _wait_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.05)
    raise SystemExit("the server did not start")


def cpu_seconds(root: psutil.Process) -> dict[str, float]:
    """CPU time so far of every process below `root`, by what it runs."""
    used: dict[str, float] = {}
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times, line = process.cpu_times(), process.cmdline()
            name = "nats-server" if "nats-server" in line[0] else line[line.index("-m") + 1] if "-m" in line else line[0]
            used[name] = used.get(name, 0.0) + times.user + times.system
    return used


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def client_turns(port: int, user: str, text: str, count: int) -> list[Turn]:
    """Turns of one client, one after the other, on one connection."""
    connection = await Connection.open("127.0.0.1", port)
    turns: list[Turn] = []
    for _ in range(count):
        turns.append(await connection.post(f"/api/chat/stream?user={user}", {"message": text}, FIRST_TOKEN))
        if turns[-1].status == 0:
            connection = await Connection.open("127.0.0.1", port)
    connection.close()
    return turns


async def alone(port: int) -> str:
    """Time to first token of one client on an idle system."""
    await client_turns(port, "warm", "count to 20", 50)
    firsts = [turn.first * 1000 for turn in await client_turns(port, "ana", "count to 20", ALONE_TURNS)]
    return f"{statistics.median(firsts):.2f} | {percentile(firsts, 0.99):.2f}"


async def crowd(port: int) -> str:
    """Turns of 20 tokens from many clients at once."""
    started = time.perf_counter()
    groups = await asyncio.gather(*(client_turns(port, f"user{n}", "count to 20", TURNS_EACH) for n in range(CLIENTS)))
    seconds = time.perf_counter() - started
    turns = [turn for group in groups for turn in group]
    failed = sum(turn.status != 200 or b"20" not in turn.body for turn in turns)
    firsts = [turn.first * 1000 for turn in turns]
    return f"{len(turns) / seconds:.0f} | {failed} | {statistics.median(firsts):.1f} | {percentile(firsts, 0.99):.1f}"


async def reading_speed(port: int, root: psutil.Process) -> tuple[float, dict[str, float]]:
    """CPU per token at reading speed, over all processes: µs, and µs by process."""
    await client_turns(port, "warm", "count to 20", 1)
    text = f"count to {PACE * SECONDS}"
    before = cpu_seconds(root)
    groups = await asyncio.gather(*(client_turns(port, f"reader{n}", text, 1) for n in range(STREAMS)))
    after = cpu_seconds(root)
    tokens = PACE * SECONDS * sum(turn.status == 200 for group in groups for turn in group)
    spent = {name: (after[name] - before.get(name, 0.0)) * 1e6 / tokens for name in after}
    return sum(spent.values()), spent


async def share(root: psutil.Process, seconds: float) -> float:
    """Share of one core that the system takes."""
    before = sum(cpu_seconds(root).values())
    await asyncio.sleep(seconds)
    return (sum(cpu_seconds(root).values()) - before) / seconds


async def idle(root: psutil.Process) -> str:
    """The same when nothing happens. After the crowd, conversations still get their titles, and what was said is indexed."""
    began = time.perf_counter()
    calm = False
    while not calm and time.perf_counter() - began < CALM_SECONDS:
        calm = await share(root, LOOK_SECONDS) < CALM
    waited = time.perf_counter() - began
    taken = await share(root, IDLE_SECONDS)
    when = f"calm {waited:.0f} s after the last turn" if calm else f"not yet calm {waited:.0f} s after the last turn"
    return f"{taken:.1%} of a core ({when})"


def main() -> None:
    """Runs everything and prints the tables."""
    print(machine())
    print("\n| | first token p50 ms | p99 ms | turns/s | failed | p50 ms | p99 ms |\n|---|---|---|---|---|---|---|")
    with plain() as (port, _):
        print(f"| plain, stores nothing | {uvloop.run(alone(port))} | {uvloop.run(crowd(port))} |", flush=True)
    with colloquy(0) as (port, root):
        print(f"| Colloquy, every message durable | {uvloop.run(alone(port))} | {uvloop.run(crowd(port))} |", flush=True)
        print(f"\nIdle: {uvloop.run(idle(root))}.", flush=True)
    with colloquy(PACE) as (port, root):
        total, spent = uvloop.run(reading_speed(port, root))
    print(f"\n{STREAMS} streams × {PACE} tokens/s: {total:.0f} µs CPU per token over all processes.\n")
    print("| process | µs per token |\n|---|---|")
    for name, cost in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"| {name} | {cost:.1f} |")


if __name__ == "__main__":
    main()
