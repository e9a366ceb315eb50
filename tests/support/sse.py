"""Server-sent events as a client reads them."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class ServerEvent:
    """One event of a stream."""

    id: str
    event: str
    data: dict[str, Any]


async def read_events(response: httpx.Response) -> AsyncIterator[ServerEvent]:
    """The events of an open response, in order; comments and `retry:` are passed over. Only whole events count."""
    fields: dict[str, str] = {}
    buffer = b""
    async for chunk in response.aiter_raw():
        buffer += chunk
        *lines, buffer = buffer.split(b"\n")
        for raw in lines:
            line = raw.decode()
            if not line:
                if "event" in fields:
                    yield ServerEvent(fields.get("id", ""), fields["event"], json.loads(fields["data"]))
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
