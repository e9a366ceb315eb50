"""The gateway as a client of it sees it: messages, stops, conversations, and a stream that is resumed until it ends."""

import asyncio
import random
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from colloquy.errors import Failed
from colloquy.frames import Frame, frames

PATIENCE_SECONDS = 60.0
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0
# Heartbeats come every ten seconds.
SILENCE_SECONDS = 30.0

Json = dict[str, Any]


class ApiClient:
    """One user of a gateway. Made by `connect`."""

    def __init__(self, client: httpx.AsyncClient, user: str | None) -> None:
        self._client = client
        self._user = {"user": user} if user else {}

    async def send(self, text: str, conversation: str | None) -> Json:
        """Posts a message; safe to repeat, so it is repeated while the gateway is away. Raises Failed."""
        body = {"text": text, "clientMessageId": uuid.uuid4().hex}
        return await self._call("POST", "/api/v1/message", body | ({"conversationId": conversation} if conversation else {}))

    async def stop(self, conversation: str) -> None:
        """Stops what is being answered there."""
        await self._call("POST", f"/api/v1/conversations/{conversation}/stop", {})

    async def conversations(self) -> list[Json]:
        """The newest conversations."""
        return (await self._call("GET", "/api/v1/conversations"))["conversations"]

    async def messages(self, conversation: str) -> list[Json]:
        """The newest messages of a conversation, oldest first."""
        return (await self._call("GET", f"/api/v1/conversations/{conversation}/messages"))["messages"]

    async def state(self) -> Json:
        """A snapshot, with the cursor to go on from."""
        return await self._call("GET", "/api/v1/state")

    async def follow(self, conversation: str, after: str | None) -> AsyncGenerator[Frame]:
        """Every event after the cursor, over any number of connections.

        A `reset` is passed on: load what there is, and follow again. Raises Failed when the gateway stays away.
        """
        patience = Patience()
        while True:
            try:
                async with self._stream(conversation, after) as events:
                    async for frame in events:
                        patience.renew()
                        after = frame.cursor or after
                        yield frame
                        if frame.type == "reset":
                            return
            except httpx.TransportError:
                pass
            await patience.pause()

    @asynccontextmanager
    async def _stream(self, conversation: str, after: str | None) -> AsyncGenerator[AsyncIterator[Frame]]:
        headers = {"Last-Event-ID": after} if after else {}
        path = f"/api/v1/stream/{conversation}"
        async with self._client.stream("GET", path, params=self._user, headers=headers) as response:
            if response.status_code == 429 or response.status_code >= 500:
                raise httpx.RemoteProtocolError(f"status {response.status_code}")
            if response.status_code != 200:
                await response.aread()
                raise Failed(_complaint(response))
            yield frames(response.aiter_bytes())

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        patience = Patience()
        while True:
            try:
                response = await self._client.request(method, path, params=self._user, json=body)
            except httpx.TransportError:
                await patience.pause()
                continue
            if response.status_code not in {429, 502, 503}:
                break
            await patience.pause(response.headers.get("retry-after"))
        if response.status_code >= 400:
            raise Failed(_complaint(response))
        return response.json()


class Patience:
    """Pauses that grow, with chance in them so that clients do not come back all at once; and an end to waiting."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Something was heard."""
        self._begin: float | None = None
        self._pause = FIRST_PAUSE

    async def pause(self, at_least: str | None = None) -> None:
        """Waits. Raises Failed when nothing was heard for too long."""
        now = asyncio.get_running_loop().time()
        self._begin = self._begin or now
        if now - self._begin > PATIENCE_SECONDS:
            raise Failed("The gateway does not answer. Does it run, and is --url right?")
        least = float(at_least) if at_least and at_least.isdigit() else 0.0
        await asyncio.sleep(max(least, self._pause * random.uniform(0.5, 1)))  # noqa: S311 - not a secret
        self._pause = min(self._pause * 2, LONGEST_PAUSE)


@asynccontextmanager
async def connect(url: str, user: str | None, token: str | None) -> AsyncGenerator[ApiClient]:
    """A client of the gateway at `url`, as `user` (dev) or with a token (jwt)."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    timeout = httpx.Timeout(10, read=SILENCE_SECONDS)
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout, trust_env=False) as client:
        yield ApiClient(client, None if token else user)


def _complaint(response: httpx.Response) -> str:
    try:
        error = response.json()["error"]
        return f"{error['message']} ({error['code']})"
    except (ValueError, KeyError, TypeError):
        return f"The gateway answered {response.status_code}."
