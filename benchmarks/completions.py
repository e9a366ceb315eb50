"""What /v1/chat/completions costs over calling the model's server directly, beside LiteLLM's proxy, in the same run.

LiteLLM is installed into a virtual environment of its own (`--litellm FOLDER` keeps and reuses it; `--without-litellm`).
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from importlib.metadata import version
from pathlib import Path

import psutil
import uvloop

from benchmarks.http_load import Connection, Turn
from benchmarks.machine import free_port, machine
from benchmarks.turn import SETTINGS, cpu_seconds, percentile

ROOT = Path(__file__).parents[1]
PATH = "/v1/chat/completions"
MARK = b"first "
ROUNDS, REQUESTS = 20, 15
TOKENS = 20
STREAMS, PACE, SECONDS = 20, 30, 8
LITELLM = "litellm[proxy]==1.108.7"
CONFIG = """
model_list:
  - model_name: m
    litellm_params: {model: openai/m, api_base: "http://127.0.0.1:%d/v1", api_key: none}
litellm_settings: {telemetry: false}
"""


@dataclass
class Target:
    """Something that answers completions; `root` of its processes, where its CPU time counts."""

    name: str
    port: int
    root: psutil.Process | None = None


@contextmanager
def _running(command: list[str], ready: str, **environment: str) -> Iterator[psutil.Process]:
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_ready(ready, process)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


def _wait_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError, HTTPException):
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return
            except urllib.error.HTTPError:
                return
        time.sleep(0.1)
    raise SystemExit(f"it did not start: {process.args}")


@contextmanager
def upstream() -> Iterator[Target]:
    """The model's server."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.upstream", str(port)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        deadline = time.monotonic() + 30
        while not _listens(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        try:
            yield Target("directly", port)
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    return any(
        one.laddr.port == port for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN and one.laddr
    )


@contextmanager
def colloquy(server: Target) -> Iterator[Target]:
    """A running `colloquy up` before it."""
    port = free_port()
    with tempfile.TemporaryDirectory() as data:
        url = f"http://127.0.0.1:{server.port}/v1"
        command = [sys.executable, "-m", "colloquy", "up", "--port", str(port), "--data", data]
        ready = f"http://127.0.0.1:{port}/readyz"
        with _running(command, ready, **SETTINGS, INFERENCE_BASE_URL=url, INFERENCE_MODEL="m") as root:
            yield Target("Colloquy, every message durable", port, root)


@contextmanager
def litellm(server: Target, folder: Path) -> Iterator[Target]:
    """LiteLLM's proxy before it, with one worker as ours."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run(["uv", "venv", "-q", str(folder)], check=True)
        subprocess.run(["uv", "pip", "install", "-q", "-p", str(python), LITELLM], check=True)
    port = free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        config.write(CONFIG % server.port)
        config.flush()
        command = [str(folder / "bin" / "litellm"), "--config", config.name, "--port", str(port), "--num_workers", "1"]
        ready = f"http://127.0.0.1:{port}/health/liveliness"
        options = {
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",  # no keys are looked up, as with our `dev`
            "NO_PROXY": "127.0.0.1",
        }
        with _running(command, ready, **options) as root:
            yield Target("LiteLLM's proxy, stores nothing", port, root)


async def turns(target: Target, user: str, count: int, tokens: int, pace: int) -> list[Turn]:
    """Answers of one client, one after the other, on one connection."""
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": f"say {tokens} {pace}"}]}
    connection = await Connection.open("127.0.0.1", target.port)
    seen: list[Turn] = []
    for _ in range(count):
        seen.append(await connection.post(f"{PATH}?user={user}", body, MARK))
        if seen[-1].status != 200:
            raise SystemExit(f"{target.name}: {seen[-1].body[:500]!r}")
    connection.close()
    return seen


async def firsts(targets: list[Target]) -> dict[str, list[float]]:
    """Milliseconds to the first token of one client, the targets in turns so that all meet the same neighbours."""
    found: dict[str, list[float]] = {target.name: [] for target in targets}
    for target in targets:
        await turns(target, "warm", 30, TOKENS, 0)
    for _ in range(ROUNDS):
        for target in targets:
            found[target.name] += [turn.first * 1000 for turn in await turns(target, "ana", REQUESTS, TOKENS, 0)]
    return found


async def per_token(target: Target) -> tuple[float, dict[str, float]]:
    """µs of CPU per token at reading speed, over all of its processes, and by process."""
    assert target.root is not None
    await turns(target, "warm", 1, TOKENS, 0)
    before = cpu_seconds(target.root)
    groups = await asyncio.gather(*(turns(target, f"reader{n}", 1, PACE * SECONDS, PACE) for n in range(STREAMS)))
    if not all(f"{PACE * SECONDS - 2} ".encode() in turn.body for group in groups for turn in group):
        raise SystemExit(f"{target.name} did not say everything")
    after = cpu_seconds(target.root)
    tokens = PACE * SECONDS * STREAMS
    spent = {name: (after[name] - before.get(name, 0.0)) * 1e6 / tokens for name in after}
    return sum(spent.values()), spent


def main() -> None:
    """Runs everything and prints the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--litellm", type=Path)
    parser.add_argument("--without-litellm", action="store_true")
    chosen = parser.parse_args()
    print(f"{machine()}, httpx {version('httpx')}" + ("" if chosen.without_litellm else f", {LITELLM}"))
    with ExitStack() as stack:
        server = stack.enter_context(upstream())
        targets = [server, stack.enter_context(colloquy(server))]
        if not chosen.without_litellm:
            folder = chosen.litellm or Path(stack.enter_context(tempfile.TemporaryDirectory())) / "litellm"
            targets.append(stack.enter_context(litellm(server, folder)))
        _print(uvloop.run(firsts(targets)), {target.name: uvloop.run(per_token(target)) for target in targets[1:]})


def _print(found: dict[str, list[float]], costs: dict[str, tuple[float, dict[str, float]]]) -> None:
    direct = statistics.median(next(iter(found.values())))
    print("\n| | first token p50 ms | p99 ms | over the direct call, p50 ms | µs CPU per token |\n|---|---|---|---|---|")
    for name, times in found.items():
        median = statistics.median(times)
        cost = f"{costs[name][0]:.0f}" if name in costs else ""
        print(f"| {name} | {median:.2f} | {percentile(times, 0.99):.2f} | {median - direct:.2f} | {cost} |")
    for name, (_, spent) in costs.items():
        print(f"\n{name}: " + ", ".join(f"{part} {cost:.0f}" for part, cost in sorted(spent.items(), key=lambda one: -one[1])))


if __name__ == "__main__":
    main()
