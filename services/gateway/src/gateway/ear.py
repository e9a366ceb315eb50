"""The gateway's end of a live session: chunks to the one worker that listens, its words back, and no more than it can take."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from gateway.parts import Parts
from shared.contract.objects import Problem
from shared.contract.speech import LISTEN, Chunk, Heard, Listen, Listening
from shared.contract.subjects import audio, heard
from shared.ids import new_id
from shared.tasks import owned

PIECE_BYTES: Final = 256 * 1024
"""Of one message on the bus; a recorder's chunk is seldom larger than some KiB."""

LOST_SECONDS: Final = 5.0
"""A worker says something every second."""

BEAT_SECONDS: Final = 4.0
WORDS: Final = 1_024
LAST_WORDS: Final = frozenset({"ended", "failed"})
WORKER_LOST: Final = Problem(code="worker_lost", message="The worker is gone; begin again with what was not understood yet.")


class Ear:
    """One session at one worker."""

    def __init__(self, parts: Parts, user: str, transcript_id: str, listening: Listening, words: asyncio.Queue[Heard]) -> None:
        self._bus, self._subject = parts.bus, audio(user, transcript_id)
        self._words = words
        self.transcript_id = transcript_id
        self.engine = listening.engine
        self._window = listening.window
        self._number = self._sent = self._through = 0
        self._room = asyncio.Event()
        self._over = False

    async def send(self, data: bytes) -> None:
        """More audio; returns when the worker has come near enough for the next. Raises Unavailable."""
        for start in range(0, len(data), PIECE_BYTES):
            await self._tell(data[start : start + PIECE_BYTES])
        while self._sent - self._through > self._window and not self._over:
            self._room.clear()
            await self._room.wait()

    async def end(self) -> None:
        """There is no more."""
        if not self._over:
            await self._tell(b"", end=True)

    async def beat(self) -> None:
        """The speaker is still there, also when a browser sends nothing for a while. For ever."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            if not self._over:
                await self._tell(b"")

    async def _tell(self, data: bytes, *, end: bool = False) -> None:
        chunk = Chunk(number=self._number, data=data, end=end)
        self._number += 1
        self._sent += len(data)
        await self._bus.tell(self._subject, chunk)

    async def words(self) -> AsyncGenerator[Heard, None]:
        """What the worker says, to its last word; when it is silent for too long, that it is lost."""
        while not self._over:
            try:
                async with asyncio.timeout(LOST_SECONDS):
                    word = await self._words.get()
            except TimeoutError:
                word = Heard(kind="failed", through=self._through, error=WORKER_LOST)
            self._through = max(self._through, word.through)
            self._over = word.kind in LAST_WORDS
            self._room.set()
            yield word


@asynccontextmanager
async def listening_to(parts: Parts, user: str, language: str | None) -> AsyncGenerator[Ear]:
    """A worker that listens to this user. Raises Busy while all are listening, Unavailable."""
    transcript_id = new_id("tr")
    words: asyncio.Queue[Heard] = asyncio.Queue(WORDS)
    async with parts.bus.listen(heard(user, transcript_id), Heard, lambda word: _put(words, word)):
        question = Listen(user=user, transcript_id=transcript_id, language=language)
        ear = Ear(parts, user, transcript_id, await parts.ask(LISTEN, question), words)
        async with owned() as tasks:
            beating = tasks.create_task(ear.beat())
            try:
                yield ear
            finally:
                beating.cancel()


def _put(words: asyncio.Queue[Heard], word: Heard) -> None:
    """Partial words are dropped before anything else is: later ones replace them."""
    if words.full():
        words.get_nowait()
    words.put_nowait(word)
