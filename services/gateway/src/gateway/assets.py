"""The files of the page, as the build left them: each read once, with its compressed form where there is one."""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml; charset=utf-8",
    "woff2": "font/woff2",
    "woff": "font/woff",
    "ttf": "font/ttf",
}
OWN = files("gateway") / "page"
BUILT = OWN / "built"
SWAGGER = files("fastapi_offline") / "static"
NAMED = {
    "docs.js": OWN / "docs.js",
    "icon.svg": OWN / "icon.svg",
    "swagger-ui-bundle.js": SWAGGER / "swagger-ui-bundle.js",
    "swagger-ui.css": SWAGGER / "swagger-ui.css",
}
"""What is under /page."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    content: bytes
    media_type: str
    compressed: bytes | None = None


@lru_cache(maxsize=256)
def read(file: Traversable) -> Asset:
    """A file that is there."""
    return Asset(file.read_bytes(), TYPES[file.name.rpartition(".")[2]])


@lru_cache(maxsize=256)
def built(name: str) -> Asset | None:
    """A file of the built page. Its name has a hash of what is in it, so it never changes."""
    folder = BUILT / "assets"
    if not _NAME.fullmatch(name) or name.rpartition(".")[2] not in TYPES or not (folder / name).is_file():
        return None
    asset, packed = read(folder / name), folder / f"{name}.gz"
    return Asset(asset.content, asset.media_type, packed.read_bytes() if packed.is_file() else None)


def index() -> Asset:
    """The page itself, or one that says how to build it. Read each time: it may be built while this runs."""
    file = BUILT / "index.html"
    return Asset((file if file.is_file() else OWN / "unbuilt.html").read_bytes(), TYPES["html"])
