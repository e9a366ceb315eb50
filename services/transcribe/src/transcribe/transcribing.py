"""Recordings: takes an order, hears what is said, tells how far it is, hands in the text, and erases the audio."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import httpx
import structlog

from shared.blobs import Blobs
from shared.bus import Bus, Delivery, Later, TakenOver
from shared.contract.events import TranscriptPartial
from shared.contract.objects import Problem
from shared.contract.speech import (
    ABANDON_TRANSCRIPT,
    CLAIM_TRANSCRIPT,
    FINISH_TRANSCRIPT,
    RELEASE_TRANSCRIPT,
    RENEW_TRANSCRIPT,
    AbandonTranscript,
    ClaimTranscript,
    FinishTranscript,
    ReleaseTranscript,
    RenewTranscript,
    Transcribe,
    TranscriptClaim,
)
from shared.contract.streams import TOKEN_TTL_SECONDS
from shared.contract.subjects import transcript_event
from shared.contract.transcript import Segment
from shared.errors import Busy, Fault, LostLease, Refused
from shared.ids import new_id
from shared.outbound import download
from shared.tasks import owned
from transcribe import listening, metrics
from transcribe.hearing import Ended, Partial, Progress
from transcribe.listening import Listened, Said
from transcribe.ports import Engine, Sandbox, Sandboxes

log: structlog.stdlib.BoundLogger = structlog.get_logger()

TELL_SECONDS: Final = 0.5
"""How often it is told how far a recording is."""

FETCH_SECONDS: Final = 120.0
FINISH_SECONDS: Final = 20.0
EMBEDDED: Final = "pocketsphinx"
"""The engine in the sandbox."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of it."""

    seconds: float
    bytes: int
    language: str | None = None
    """Of speech when nobody says which."""


@dataclass(slots=True)
class Text:
    """What has been understood of a recording so far."""

    segments: list[Segment] = field(default_factory=list[Segment])
    language: str | None = None
    seconds: float = 0.0
    partial: str = ""

    def take(self, listened: Listened) -> None:
        """A little more."""
        match listened:
            case Said(segments, language):
                self.segments += segments
                self.language, self.partial = language or self.language, ""
            case Partial(text):
                self.partial = text
            case Progress(seconds):
                self.seconds = seconds
            case Ended(seconds):
                self.seconds, self.partial = seconds, ""

    @property
    def whole(self) -> str:
        """All of it."""
        return " ".join(part for part in (*(segment.text for segment in self.segments), self.partial) if part)


class Transcriber:
    """Carries out the orders of one process. `engine` is None when the sandbox understands by itself."""

    def __init__(
        self, bus: Bus, sandboxes: Sandboxes, engine: Engine | None, client: httpx.AsyncClient, limits: Limits, worker: str
    ) -> None:
        self._bus, self._blobs = bus, Blobs(bus)
        self._sandboxes, self._engine, self._client = sandboxes, engine, client
        self._limits, self._worker = limits, worker

    async def carry_out(self, order: Transcribe, _: Delivery) -> None:
        """The handler of the queue."""
        question = ClaimTranscript(user=order.user, id=order.transcript_id, worker=self._worker)
        claim = await self._bus.ask(CLAIM_TRANSCRIPT, question)
        if claim.decision == "wait":
            raise Later(claim.lease_seconds)
        if claim.decision == "run":
            with metrics.JOBS.track_inprogress():
                await self._run(order, claim)
        # In the same breath, and again when the worker before has died between its word and this.
        await self._blobs.erase(order.user, order.transcript_id)

    async def bury(self, order: Transcribe, reason: str) -> None:
        """Nobody could do it."""
        problem = Problem(code="given_up", message="This recording could not be made into text.")
        log.error("transcript.given_up", transcript=order.transcript_id, reason=reason)
        question = AbandonTranscript(user=order.user, id=order.transcript_id, error=problem)
        await self._bus.ask(ABANDON_TRANSCRIPT, question)
        await self._blobs.erase(order.user, order.transcript_id)

    async def _run(self, order: Transcribe, claim: TranscriptClaim) -> None:
        metrics.QUEUED_SECONDS.observe(claim.waited_seconds)
        try:
            async with self._leased(order, claim):
                end = await self._outcome(order, claim)
            await self._bus.ask(FINISH_TRANSCRIPT, end, timeout=FINISH_SECONDS)
        except LostLease:
            raise TakenOver from None
        except asyncio.CancelledError:
            await self._bus.ask(
                RELEASE_TRANSCRIPT, ReleaseTranscript(user=order.user, id=order.transcript_id, epoch=claim.epoch)
            )
            raise
        log.info("transcript.finished", transcript=order.transcript_id, outcome=end.outcome, seconds=end.duration_seconds)

    async def _outcome(self, order: Transcribe, claim: TranscriptClaim) -> FinishTranscript:
        """The text, or why there is none."""
        began, text = time.monotonic(), Text()
        end = FinishTranscript(user=order.user, id=order.transcript_id, epoch=claim.epoch, outcome="completed")
        try:
            await self._hear(order, claim, text)
        except Refused as refused:
            if isinstance(refused, LostLease):
                raise
            metrics.FAILURES.labels(refused.code).inc()
            problem = Problem(code=refused.code, message=str(refused))
            return end.model_copy(update={"outcome": "failed", "error": problem, "duration_seconds": text.seconds})
        metrics.AUDIO_IN.labels("url" if claim.url else "upload").inc(text.seconds)
        metrics.FACTOR.observe((time.monotonic() - began) / max(text.seconds, 0.1))
        return end.model_copy(
            update={
                "text": text.whole,
                "language": text.language or claim.language,
                "engine": self._engine.card.engine if self._engine is not None else EMBEDDED,
                "duration_seconds": text.seconds,
                "segments": text.segments,
            }
        )

    async def _hear(self, order: Transcribe, claim: TranscriptClaim, text: Text) -> None:
        teller = _Teller(self._bus, order, claim.epoch)
        async with self._sandboxes.open(live=False, seconds=self._limits.seconds) as sandbox, owned() as tasks:
            feeding = tasks.create_task(self._feed(sandbox, order, claim))
            async with aclosing(self._listened(sandbox, claim)) as listened:
                async for one in listened:
                    text.take(one)
                    await teller.tell(text)
            feeding.cancel()

    def _listened(self, sandbox: Sandbox, claim: TranscriptClaim) -> AsyncGenerator[Listened, None]:
        if self._engine is None:
            return listening.inside(sandbox.events())
        return listening.recorded(sandbox.events(), self._engine, claim.language or self._limits.language)

    async def _feed(self, sandbox: Sandbox, order: Transcribe, claim: TranscriptClaim) -> None:
        """All of the audio, from where it lies."""
        async with aclosing(self._source(order, claim)) as pieces:
            async for piece in pieces:
                await sandbox.send(piece)
        await sandbox.end()

    def _source(self, order: Transcribe, claim: TranscriptClaim) -> AsyncGenerator[bytes, None]:
        if claim.url is None:
            return self._blobs.read(order.user, order.transcript_id)
        return download(self._client, claim.url, limit=self._limits.bytes, seconds=FETCH_SECONDS)

    @asynccontextmanager
    async def _leased(self, order: Transcribe, claim: TranscriptClaim) -> AsyncGenerator[None]:
        """The transcript stays ours while the context is open. Ends the body with LostLease when it does not."""
        async with owned() as tasks:
            renewing = tasks.create_task(self._renew(order, claim))
            yield
            renewing.cancel()

    async def _renew(self, order: Transcribe, claim: TranscriptClaim) -> None:
        question = RenewTranscript(user=order.user, id=order.transcript_id, epoch=claim.epoch)
        lease = claim.lease_seconds
        while True:
            await asyncio.sleep(lease / 3)
            try:
                lease = (await self._bus.ask(RENEW_TRANSCRIPT, question)).lease_seconds
            except Busy as busy:  # memory is away; whether it is still ours, its end will show
                log.warning("transcript.not_renewed", code=busy.code)


class _Teller:
    """Tells how far it is, now and then. It is only news: what can't be told is not told again."""

    def __init__(self, bus: Bus, order: Transcribe, epoch: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._bus, self._order, self._epoch, self._clock = bus, order, epoch, clock
        self._told = clock()

    async def tell(self, text: Text) -> None:
        """The text so far, if it is time."""
        if self._clock() - self._told < TELL_SECONDS:
            return
        self._told = self._clock()
        event = TranscriptPartial(
            id=new_id("e"),
            at=datetime.now(UTC),
            transcript_id=self._order.transcript_id,
            text=text.whole,
            attempt=self._epoch,
            done_seconds=text.seconds,
        )
        subject = transcript_event(self._order.user, self._order.transcript_id)
        try:
            await self._bus.store(subject, event.encode(), type=event.type_name, ttl=TOKEN_TTL_SECONDS)
        except Fault as fault:
            log.warning("transcript.not_told", code=fault.code)
