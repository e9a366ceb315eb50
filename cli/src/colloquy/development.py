"""`colloquy test` and `colloquy bench`: what the checkout itself holds."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from colloquy.errors import Failed, Misused

ROOT = Path(__file__).parents[3]
BENCHMARKS = ("relay", "tokens", "turn", "memory", "workflow", "web", "completions", "normalizer", "voice")


def run_tests(arguments: Sequence[str]) -> int:
    """Runs pytest over the checkout; its exit status. Raises Failed."""
    return _module("pytest", arguments)


def run_benchmark(name: str | None, arguments: Sequence[str]) -> int:
    """Runs one benchmark, or all of them; the first exit status that is not 0. Raises Failed, Misused."""
    if name is not None and name not in BENCHMARKS:
        raise Misused(f"There is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}.")
    statuses = (_module(f"benchmarks.{each}", arguments) for each in ([name] if name else BENCHMARKS))
    return next(filter(None, statuses), 0)


def _module(name: str, arguments: Sequence[str]) -> int:
    if not (ROOT / "benchmarks").is_dir():
        raise Failed("Tests and benchmarks are in the checkout of Colloquy; this is an installation of the command alone.")
    return subprocess.run([sys.executable, "-m", name, *arguments], cwd=ROOT, check=False).returncode  # noqa: S603 - our own
