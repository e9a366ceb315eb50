"""Bodies before anybody parses them: bounded in size, time, depth; JSON that is really JSON (F35, F36)."""

import asyncio
from typing import Any, cast

from pydantic_core import from_json
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.admission import Admission
from gateway.exchange import header
from gateway.faults import Malformed, TooSlow, WrongMedia
from gateway.settings import GatewaySettings
from shared.errors import TooLarge

WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Bodies:
    """ASGI middleware: the application behind it gets the whole body at once, or is never called."""

    def __init__(self, app: ASGIApp, settings: GatewaySettings, admission: Admission) -> None:
        self.app = app
        self.settings = settings
        self.admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises TooLarge, TooSlow, WrongMedia, Malformed or Overloaded."""
        if scope["method"] not in WITH_BODY:
            await self.app(scope, receive, send)
            return
        with self.admission.request():
            body = await body_of(scope, receive, self.settings)
            if body is not None:
                value_of(scope, body, self.settings)
                await self.app(scope, _replay(body, receive), send)


async def body_of(scope: Scope, receive: Receive, settings: GatewaySettings) -> bytes | None:
    """The whole body, or None when the client went away. Raises TooLarge or TooSlow."""
    limit = settings.body_bytes
    announced = header(scope, b"content-length") or "0"
    if announced.isdecimal() and int(announced) > limit:
        raise TooLarge(limit=limit)
    try:
        async with asyncio.timeout(settings.body_seconds):
            return await _read(receive, limit)
    except TimeoutError:
        raise TooSlow from None


def value_of(scope: Scope, body: bytes, settings: GatewaySettings) -> Any:
    """What the body says; None when it is empty. Raises WrongMedia or Malformed."""
    if not body:
        return None
    check_media(scope)
    return parse_json(body, settings.json_depth)


async def _read(receive: Receive, limit: int) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        parts.append(event.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise TooLarge(limit=limit)
        if not event.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return first.pop() if first else await receive()

    return replayed


def check_media(scope: Scope) -> None:
    """Raises WrongMedia unless the body is plain JSON."""
    if header(scope, b"content-encoding") not in {None, "identity"}:
        raise WrongMedia
    kind, _, parameters = (header(scope, b"content-type") or "").lower().partition(";")
    name, _, charset = parameters.strip().partition("=")
    if kind.strip() != "application/json" or (name == "charset" and charset.strip('" ') not in {"utf-8", "utf8"}):
        raise WrongMedia


def parse_json(body: bytes, depth: int) -> Any:
    """The value of a JSON text. Refuses NaN and Infinity, lone surrogates, invalid UTF-8, deep nesting. Raises Malformed."""
    try:
        value: Any = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise Malformed from None
    if body.count(b"[") + body.count(b"{") > depth:
        _check_depth(value, depth)
    return value


def _check_depth(value: Any, depth: int) -> None:
    """Level by level; from_json itself refuses more than 200."""
    level: list[Any] = [value]
    for _ in range(depth + 1):
        if not level:
            return
        level = [child for node in level for child in _children(node) if isinstance(child, dict | list)]
    raise Malformed("The JSON is nested too deeply.")


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(cast("dict[str, Any]", node).values())
    return cast("list[Any]", node) if isinstance(node, list) else []
