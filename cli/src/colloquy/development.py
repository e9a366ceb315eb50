"""`colloquy test` and `colloquy bench`: what the checkout itself holds."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from colloquy.errors import Failed, Misused

ROOT = Path(__file__).parents[3]


def run_tests(arguments: Sequence[str]) -> int:
    """Runs pytest over the checkout; its exit status."""
    return _python(["-m", "pytest", *arguments])


def run_benchmark(name: str | None, arguments: Sequence[str]) -> int:
    """Runs one benchmark, or all of them; the first exit status that is not 0."""
    known = {path.stem: path for path in _benchmarks()}
    if name is not None and name not in known:
        raise Misused(f"There is no benchmark {name!r}; there are {', '.join(sorted(known))}.")
    for path in [known[name]] if name else known.values():
        if status := _python([str(path), *arguments]):
            return status
    return 0


def _benchmarks() -> list[Path]:
    found = [path for path in sorted((ROOT / "benchmarks").glob("*.py")) if "__main__" in path.read_text(encoding="utf-8")]
    if not found:
        raise Failed(f"There are no benchmarks in {ROOT / 'benchmarks'}: this is not a checkout.")
    return found


def _python(arguments: Sequence[str]) -> int:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode  # noqa: S603 - our own programs
