"""Questions over core NATS: one inbox, one answer each, and a deadline for every one of them."""

import asyncio
import random
from dataclasses import dataclass

from shared.connection import Connection
from shared.errors import Unavailable
from shared.headers import status
from shared.wire import Offline

NO_RESPONDERS = 503
AGAIN_SECONDS = 0.05
MAX_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    header: bytes | None
    data: bytes


class Asker:
    """Every question of this process that waits for its answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._wire = wire = connection.wire
        inbox = wire.new_inbox() + "."
        self._inbox = inbox.encode()
        self._cut = len(inbox)
        self._count = 0
        self._waiting: dict[bytes, asyncio.Future[Reply]] = {}
        wire.subscribe(inbox + "*", self._answered)

    async def ask(self, subject: bytes, data: bytes, *, header: bytes = b"", timeout: float) -> Reply:
        """The answer. Waits for the connection and for somebody who answers. Raises Unavailable after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                pause = AGAIN_SECONDS
                while (reply := await self._once(subject, data, header)) is None:
                    await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
                    pause = min(pause * 2, MAX_AGAIN_SECONDS)
                return reply
        except TimeoutError:
            raise Unavailable from None

    async def _once(self, subject: bytes, data: bytes, header: bytes) -> Reply | None:
        """The answer, or None when nobody listens."""
        self._count += 1
        key = b"%d" % self._count
        future = self._waiting[key] = asyncio.get_running_loop().create_future()
        try:
            self._wire.publish(subject, data, reply=self._inbox + key, header=header)
            reply = await future
        except Offline:
            await self._connection.back(MAX_AGAIN_SECONDS)
            return None
        finally:
            del self._waiting[key]
        return None if status(reply.header) == NO_RESPONDERS else reply

    def _answered(self, subject: bytes, header: bytes | None, payload: bytes) -> None:
        future = self._waiting.get(subject[self._cut :])
        if future is not None and not future.done():
            future.set_result(Reply(header, payload))
