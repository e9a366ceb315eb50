"""A client as a careful developer would write one: posts, follows by cursor, folds, comes back after every loss."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx

from support.fold import Fold
from support.sse import ServerEvent, read_events

TERMINAL = {"message.completed", "message.failed", "message.cancelled"}
LOST = (httpx.TransportError, httpx.StreamError)


class Client:
    """One person on one device."""

    def __init__(self, base_url: str, user: str) -> None:
        self.user = user
        self.http = httpx.AsyncClient(
            base_url=base_url, timeout=httpx.Timeout(30.0), trust_env=False, event_hooks={"request": [self._name]}
        )

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def _name(self, request: httpx.Request) -> None:
        """Client-wide `params` would replace the query that a path already has."""
        request.url = request.url.copy_set_param("user", self.user)

    async def call(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        """The JSON of a call that must succeed. Repeats what a 503, a 429 or a lost connection says to repeat."""
        async with asyncio.timeout(60):
            while True:
                try:
                    response = await self.http.request(method, path, **kwargs)
                except LOST:
                    await asyncio.sleep(0.05)
                    continue
                if response.status_code not in (429, 503):
                    assert response.status_code < 400, f"{method} {path}: {response.status_code} {response.text}"
                    return response.json()
                await asyncio.sleep(min(float(response.headers["retry-after"]), 1.0) * random.uniform(0.5, 1))

    async def send(self, text: str, key: str | None = None, **fields: Any) -> dict[str, Any]:
        """Posts a message. The key makes repeating it safe."""
        key = key or f"key-{random.getrandbits(64):x}"
        return await self.call("POST", "/api/v1/message", json={"text": text, **fields}, headers={"idempotency-key": key})

    async def once(self, path: str, after: str | None = None) -> AsyncIterator[ServerEvent]:
        """Events of one connection, until it ends."""
        headers = {"last-event-id": after} if after else {}
        async with self.http.stream("GET", path, headers=headers) as response:
            if response.status_code != 200:
                await response.aread()
                assert response.status_code in (429, 503), f"GET {path}: {response.status_code} {response.text}"
                raise httpx.StreamError(f"{response.status_code} {response.text}")
            async for event in read_events(response):
                yield event

    async def follow(self, path: str, after: str | None = None) -> AsyncIterator[ServerEvent]:
        """Events over as many connections as it takes, by cursor."""
        while True:
            try:
                async for event in self.once(path, after):
                    after = event.id or after
                    if event.event != "reconnect":
                        yield event
            except LOST:
                pass
            await asyncio.sleep(random.uniform(0.02, 0.1))

    async def answer(self, accepted: dict[str, Any], limit: float = 60.0) -> Fold:
        """Follows the answer of an accepted message to its end, over any number of connections."""
        fold = Fold()
        async with asyncio.timeout(limit):
            async for event in self.follow(accepted["streamUrl"]):
                fold.apply(event)
                if event.event in TERMINAL and event.data["generationId"] == accepted["generationId"]:
                    return fold
        raise AssertionError("unreachable")

    async def answer_begins(self, accepted: dict[str, Any]) -> str:
        """Waits for the first text of the answer; answers the cursor of that moment."""
        async with asyncio.timeout(30):
            async for event in self.follow(accepted["streamUrl"]):
                if event.event == "llm.token":
                    return event.id
        raise AssertionError("unreachable")

    async def messages(self, conversation: str) -> list[dict[str, Any]]:
        """Every message of the conversation's shown branch."""
        return (await self.call("GET", f"/api/v1/conversations/{conversation}/messages", params={"limit": 200}))["messages"]
