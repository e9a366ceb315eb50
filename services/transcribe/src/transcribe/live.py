"""Speech while it is spoken: one worker listens to one session, and says what it has understood so far."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import structlog

from shared.bus import Bus
from shared.contract.objects import Problem
from shared.contract.speech import Chunk, Heard, Hearing, Listen, Listening
from shared.contract.subjects import audio, heard
from shared.errors import AudioTooLong, Busy, Fault, Refused
from shared.tasks import owned
from transcribe import listening, metrics
from transcribe.hearing import Ended, Partial, Progress
from transcribe.listening import Listened, Said
from transcribe.ports import Engine, Sandbox, Sandboxes
from transcribe.transcribing import Limits

log: structlog.stdlib.BoundLogger = structlog.get_logger()

WINDOW: Final = 128 * 1024
"""Bytes that a sender may be ahead: 4 s at what a browser sends by itself, 30 s at what a voice needs."""

ALIVE_SECONDS: Final = 1.0
AGAIN_SECONDS: Final = 2.0


class AudioLost(Refused):
    """Some of the audio did not arrive; send it again."""

    code, status = "audio_lost", 409


class NobodyThere(Refused):
    """Nothing was heard of the sender for too long."""

    code, status = "sender_silent", 408


class Live:
    """The sessions of this process. `tasks` owns them."""

    def __init__(
        self,
        bus: Bus,
        sandboxes: Sandboxes,
        engine: Engine | None,
        card: Hearing,
        limits: Limits,
        sessions: int,
        idle_seconds: float,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._bus, self._sandboxes, self._engine, self._card = bus, sandboxes, engine, card
        self._limits, self._most, self._idle, self._tasks = limits, sessions, idle_seconds, tasks
        self._sessions: set[asyncio.Task[None]] = set()

    async def listen(self, question: Listen) -> Listening:
        """Listens from now on. Raises Busy when there are as many sessions as this process can hold."""
        if len(self._sessions) >= self._most:
            raise Busy("Everybody who can listen is listening; try again in a moment.", retry_after=AGAIN_SECONDS)
        session = Session(self._bus, question, self._limits, self._idle)
        listened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = self._tasks.create_task(session.run(self._sandboxes, self._engine, listened))
        self._sessions.add(task)
        task.add_done_callback(self._ended)
        await listened
        metrics.SESSIONS.set(len(self._sessions))
        return Listening(engine=self._card.engine, window=WINDOW)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._sessions.discard(task)
        metrics.SESSIONS.set(len(self._sessions))

    def leave(self) -> None:
        """The process stops: whoever is speaking hears of it at once, and may begin again with another worker."""
        for task in self._sessions:
            task.cancel()


class Session:
    """One session, from its first chunk to its last word."""

    def __init__(self, bus: Bus, question: Listen, limits: Limits, idle: float) -> None:
        self._bus, self._limits, self._idle = bus, limits, idle
        self._language = question.language or limits.language
        self._audio = audio(question.user, question.transcript_id)
        self._heard = heard(question.user, question.transcript_id)
        self._chunks: deque[Chunk] = deque()
        self._came = asyncio.Event()
        self._next = self._received = self._through = self._utterance = 0
        self._seconds = 0.0

    async def run(self, sandboxes: Sandboxes, engine: Engine | None, listened: asyncio.Future[None]) -> None:
        """Until the audio ends, or the session fails; says which."""
        try:
            async with (
                sandboxes.open(live=True, seconds=self._limits.seconds) as sandbox,
                self._bus.listen(self._audio, Chunk, self._take),
            ):
                listened.set_result(None)
                await self._listen(sandbox, engine)
        except Fault as fault:
            if not listened.done():
                listened.set_exception(fault)
                return
            metrics.FAILURES.labels(fault.code).inc()
            await self._say(Heard(kind="failed", error=Problem(code=fault.code, message=str(fault))))
        except asyncio.CancelledError:
            problem = Problem(code="worker_lost", message="The worker stops; begin again with what was not understood yet.")
            await self._say(Heard(kind="failed", error=problem))
            raise
        finally:
            metrics.AUDIO_IN.labels("live").inc(self._seconds)

    async def _listen(self, sandbox: Sandbox, engine: Engine | None) -> None:
        async with owned() as tasks:
            feeding = tasks.create_task(self._feed(sandbox))
            beating = tasks.create_task(self._beat())
            async with aclosing(self._listened(sandbox, engine)) as listened:
                async for one in listened:
                    await self._tell(one)
            feeding.cancel()
            beating.cancel()

    def _listened(self, sandbox: Sandbox, engine: Engine | None) -> AsyncGenerator[Listened, None]:
        if engine is None:
            return listening.inside(sandbox.events())
        return listening.live(sandbox.events(), engine, self._language)

    def _take(self, chunk: Chunk) -> None:
        """A chunk has come. One that should have come before it is lost for good: core NATS keeps nothing."""
        self._chunks.append(chunk)
        self._received += len(chunk.data)
        self._came.set()

    async def _feed(self, sandbox: Sandbox) -> None:
        """Raises AudioLost, AudioTooLong, NobodyThere."""
        while True:
            await self._waited()
            while self._chunks:
                chunk = self._chunks.popleft()
                if chunk.number != self._next:
                    raise AudioLost
                self._next += 1
                if self._received - self._through > 2 * WINDOW:
                    raise AudioTooLong("More audio was sent than may wait.")
                await sandbox.send(chunk.data)
                if chunk.end:
                    await sandbox.end()
                    return

    async def _waited(self) -> None:
        self._came.clear()
        if self._chunks:
            return
        try:
            async with asyncio.timeout(self._idle):
                await self._came.wait()
        except TimeoutError:
            raise NobodyThere from None

    async def _tell(self, one: Listened) -> None:
        match one:
            case Partial(text):
                await self._say(self._word("partial", text=text, utterance=self._utterance))
            case Said(segments, language):
                start, end = segments[0].start, segments[-1].end
                await self._say(self._word("utterance", one.text, self._utterance, start=start, end=end, language=language))
                self._utterance += 1
            case Progress(seconds, through):
                moved = through != self._through
                self._seconds, self._through = seconds, through
                if moved:
                    await self._say(self._word("alive"))
            case Ended(seconds):
                self._seconds = seconds
                await self._say(self._word("ended", end=seconds))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(ALIVE_SECONDS)
            metrics.BEHIND.set(self._behind())
            await self._say(self._word("alive"))

    def _behind(self) -> float:
        """Seconds of audio that have come and were not heard yet, by what a byte has been worth so far."""
        waiting = self._received - self._through
        return round(waiting * self._seconds / self._through, 1) if self._through else 0.0

    def _word(
        self,
        kind: str,
        text: str = "",
        utterance: int = 0,
        *,
        start: float = 0.0,
        end: float = 0.0,
        language: str | None = None,
    ) -> Heard:
        values = {"kind": kind, "text": text, "utterance": utterance, "start": start, "end": end, "language": language}
        return Heard.model_validate({**values, "through": self._through, "behind": self._behind()})

    async def _say(self, word: Heard) -> None:
        """Whoever should hear it finds out by the silence when it can't be said."""
        try:
            await self._bus.tell(self._heard, word)
        except Fault as fault:
            log.warning("live.not_told", code=fault.code, kind=word.kind)
