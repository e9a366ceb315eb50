"""Publishes tokens straight onto the feed streams, acked, with a window; told what by lines of JSON."""

import asyncio
import json
import sys
import time

import nats
import uvloop

from shared.contract.events import Token
from shared.contract.subjects import token_log
from shared.wire import Wire

WINDOW = 512
HEADER = b"NATS/1.0\r\nEvent-Type: llm.token\r\n\r\n"
TOKEN = Token(
    id="e_0k7w9x2m4n6p8q0r2s4t6v8w",
    at="2026-11-20T12:00:00.000000Z",  # pyright: ignore[reportArgumentType]
    conversation_id="c_0k7w9x2m4n6p8q0r2s4t6v8w",
    token=" word",
    message_id="m_0k7w9x2m4n6p8q0r2s4t6v8w",
    generation_id="g_0k7w9x2m4n6p8q0r2s4t6v8w",
    attempt=1,
    index=100,
).encode()
"""A token as it really is, with the clock in front: `{"t":NANOSECONDS,…`."""


class Publisher:
    """An acked window over the fast lane."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._reply = (wire.inbox + ".a").encode()
        self._open = 0
        self._room = asyncio.Event()
        self._subjects: list[bytes] = []
        wire.subscribe(wire.inbox + ".a", self._acked)

    def _acked(self, _: bytes, header: bytes | None, payload: bytes) -> None:
        if b'"seq"' not in payload:
            raise RuntimeError(payload or header)
        self._open -= 1
        self._room.set()

    def _publish(self, number: int) -> None:
        self._open += 1
        payload = b'{"t":%d,' % time.monotonic_ns() + TOKEN[1:]
        self._wire.publish(self._subjects[number], payload, reply=self._reply, header=HEADER)

    async def _until(self, most: int) -> None:
        while self._open > most:
            self._room.clear()
            await self._room.wait()

    async def burst(self, streams: int, each: int) -> None:
        """As fast as the acks allow, round robin."""
        self.name(streams)
        for _ in range(each):
            for number in range(streams):
                if self._open >= WINDOW:
                    await self._until(WINDOW // 2)
                self._publish(number)
        await self._until(0)

    async def pace(self, streams: int, each: int, rate: int) -> None:
        """`rate` tokens a second on each stream, the streams spread evenly over the time between two."""
        self.name(streams)
        start, total = time.monotonic(), streams * each
        sent = 0
        while sent < total:
            due = min(total, int((time.monotonic() - start) * rate * streams))
            for number in range(sent, due):
                self._publish(number % streams)
            sent = due
            await asyncio.sleep(0.001)
        await self._until(0)

    def name(self, streams: int) -> None:
        """The subjects of as many users."""
        if len(self._subjects) != streams:
            self._subjects = [token_log(f"u{number}", "c", "g").encode() for number in range(streams)]


async def run(url: str) -> None:
    """Carries out each line, and answers `{}` when it is done."""
    client = await nats.connect(url)
    publisher = Publisher(Wire(client))
    loop = asyncio.get_running_loop()
    print("{}", flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        what, arguments = json.loads(line)
        await getattr(publisher, what)(*arguments)
        print("{}", flush=True)
    await client.close()


def main() -> None:
    """`relay_publisher URL`."""
    uvloop.run(run(*sys.argv[1:]))
