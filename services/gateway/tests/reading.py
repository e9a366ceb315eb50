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


async def events(client: httpx.AsyncClient, path: str, *, last: str = "", headers: dict[str, str] | None = None) -> list[Event]:
    """The events of one connection until it ends, or until one of this name came."""
    text = ""
    async with asyncio.timeout(20), client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        async for chunk in response.aiter_text():
            text += chunk
            if last and f"event: {last}\n" in text and text.endswith("\n\n"):
                break
    return parsed(text)
