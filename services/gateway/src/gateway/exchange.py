"""One request and its answer, as the parts of the gateway see them; kept in the ASGI scope."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.types import Scope

from shared.ids import new_id

KEY = "colloquy.exchange"
_SANE_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")


@dataclass(slots=True)
class Exchange:
    """What is known about a request besides its scope. `headers` are added to whatever answer it gets."""

    request_id: str
    headers: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    route: str | None = None
    """The template it matched, for the metrics."""


def exchange_of(scope: Scope) -> Exchange:
    """The exchange that the edge put into this scope."""
    return scope[KEY]


def begin(scope: Scope) -> Exchange:
    """Puts an exchange into the scope. A sane X-Request-Id of the client is kept."""
    given = header(scope, b"x-request-id")
    request_id = given if given and _SANE_ID.match(given) else new_id("e")
    exchange = Exchange(request_id, [(b"x-request-id", request_id.encode())])
    scope[KEY] = exchange
    return exchange


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of this lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def query(scope: Scope) -> dict[str, str]:
    """The query parameters; the first of each name counts."""
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return dict(reversed(pairs))


def cookie(scope: Scope, name: str) -> str | None:
    """The value of a cookie."""
    for part in (header(scope, b"cookie") or "").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return None
