"""Reads server-sent events the plain way."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Event:
    id: str
    name: str
    data: dict[str, Any]


def parsed(text: str) -> list[Event]:
    """The events of a whole stream, without comments."""
    heard: list[Event] = []
    for frame in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in frame.split("\n") if line and not line.startswith(":"))
        if "event" in fields:
            heard.append(Event(fields.get("id", ""), fields["event"], json.loads(fields["data"])))
    return heard


async def events(
    client: httpx.AsyncClient,
    path: str,
    *,
    last: str = "",
    headers: dict[str, str] | None = None,
    body: dict[str, Any] | None = None,
    begun: asyncio.Event | None = None,
) -> list[Event]:
    """The events of one connection until it ends, or until one of this name came. `begun` is set when it is open."""
    text = ""
    method = "POST" if body else "GET"
    async with asyncio.timeout(20), client.stream(method, path, headers=headers, json=body) as response:
        assert response.status_code == 200, await response.aread()
        if begun is not None:
            begun.set()
        async for chunk in response.aiter_text():
            text += chunk
            if last and f"event: {last}\n" in text and text.endswith("\n\n"):
                break
    return parsed(text)
