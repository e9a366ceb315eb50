"""Transcripts: from the audio that has come to the text that is told, fenced as answers are."""

from dataclasses import dataclass

import structlog

from memory.handlers.reading import Snapshot
from memory.handlers.repetition import once
from memory.records import transcripts
from memory.records.idempotency import Key
from memory.transaction import Transaction
from memory.transcript import Kept, claim, held
from shared.contract.base import Message
from shared.contract.events import TranscriptCompleted, TranscriptFailed
from shared.contract.memory import Done
from shared.contract.objects import Problem
from shared.contract.speech import (
    AbandonTranscript,
    Accounted,
    ClaimTranscript,
    CreateTranscript,
    FinishTranscript,
    GetTranscript,
    KeepTranscript,
    OpenTranscripts,
    ReleaseTranscript,
    RenewTranscript,
    SiftTranscripts,
    TranscriptClaim,
    TranscriptLease,
)
from shared.contract.transcript import Segment, Transcript, TranscriptStatus
from shared.errors import TooMany

log: structlog.stdlib.BoundLogger = structlog.get_logger()

TOLD_BYTES = 128 * 1024
"""Segments that are longer as JSON are not part of the event; the transcript itself has them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a transcript ends."""

    status: TranscriptStatus
    text: str | None = None
    language: str | None = None
    engine: str | None = None
    duration_seconds: float | None = None
    segments: list[Segment] | None = None
    error: Problem | None = None


class _Asked(Message):
    """What makes two requests under one key the same: not the id, which each gets anew."""

    url: str | None
    language: str | None
    digest: str


def create_transcript(tx: Transaction, question: CreateTranscript) -> Accounted:
    """Keeps it in mind and orders it. The same key again: the one there is."""
    key = None if question.key is None else Key(question.user, "create_transcript", question.key)
    asked = _Asked(url=question.url, language=question.language, digest=question.digest)
    transcript = once(tx, key, asked, Transcript, lambda: _create(tx, question))
    now = transcripts.get(tx.connection, question.user, transcript.id)
    return Accounted(**dict(now), repeated=transcript.id != question.id)


def _create(tx: Transaction, question: CreateTranscript) -> Transcript:
    user = question.user
    if transcripts.count_open(tx.connection, user) >= tx.limits.open_transcripts:
        raise TooMany("Too many recordings are waiting; let some of them become text first.", retry_after=5.0)
    tx.version(user)
    origin = "upload" if question.url is None else "url"
    kept = Kept(question.id, user, origin, "queued", 0, 0.0, question.url, question.language)
    transcripts.keep(tx.connection, kept, tx.micros, tx.ticks)
    tx.order_transcript(user, question.id)
    return transcripts.get(tx.connection, user, question.id)


def keep_transcript(tx: Transaction, question: KeepTranscript) -> Transcript:
    """What was said live, as it has ended. The same again changes nothing."""
    if transcripts.find(tx.connection, question.user, question.id) is None:
        tx.version(question.user)
        kept = Kept(question.id, question.user, "live", "running", 1, 0.0, None, question.language)
        transcripts.keep(tx.connection, kept, tx.micros, tx.ticks)
        values = (question.text, question.language, question.engine, question.duration_seconds, question.segments)
        status = "completed" if question.error is None else "failed"
        _end(tx, kept, Outcome(status, *values, question.error))
    return transcripts.get(tx.connection, question.user, question.id)


def get_transcript(view: Snapshot, question: GetTranscript) -> Transcript:
    """One transcript."""
    return transcripts.get(view.connection, question.user, question.id)


def claim_transcript(tx: Transaction, question: ClaimTranscript) -> TranscriptClaim:
    """Gives a worker the transcript, unless another one makes it."""
    kept = transcripts.find(tx.connection, question.user, question.id)
    grant = claim(kept, tx.ticks, tx.limits.lease_seconds)
    if grant.decision != "run" or kept is None:
        return TranscriptClaim(decision=grant.decision, lease_seconds=grant.seconds)
    transcripts.begin(tx.connection, kept.id, grant.epoch, tx.ticks + grant.seconds, question.worker)
    return TranscriptClaim(
        decision="run",
        lease_seconds=grant.seconds,
        epoch=grant.epoch,
        url=kept.url,
        language=kept.language,
        waited_seconds=max(0.0, (tx.micros - kept.created_at) / 1e6),
    )


def renew_transcript(tx: Transaction, question: RenewTranscript) -> TranscriptLease:
    """The worker keeps it for another lease."""
    kept = held(transcripts.find(tx.connection, question.user, question.id), question.epoch)
    transcripts.extend(tx.connection, kept.id, tx.ticks + tx.limits.lease_seconds)
    return TranscriptLease(lease_seconds=tx.limits.lease_seconds)


def finish_transcript(tx: Transaction, question: FinishTranscript) -> Transcript:
    """Ends it, if this attempt makes it. The same again changes nothing."""
    kept = transcripts.find(tx.connection, question.user, question.id)
    if kept is None or kept.epoch != question.epoch or kept.status != question.outcome:
        _end(tx, held(kept, question.epoch), _outcome(question))
    return transcripts.get(tx.connection, question.user, question.id)


def _outcome(question: FinishTranscript) -> Outcome:
    if question.outcome == "failed":
        return Outcome("failed", duration_seconds=question.duration_seconds, error=question.error)
    values = (question.text, question.language, question.engine, question.duration_seconds, question.segments)
    return Outcome("completed", *values)


def release_transcript(tx: Transaction, question: ReleaseTranscript) -> Done:
    """Queues it again, and orders it again."""
    kept = held(transcripts.find(tx.connection, question.user, question.id), question.epoch)
    transcripts.give_back(tx.connection, kept.id, tx.ticks)
    tx.order_transcript(kept.user, kept.id)
    return Done()


def abandon_transcript(tx: Transaction, question: AbandonTranscript) -> Done:
    """Ends it as failed, unless it has ended."""
    kept = transcripts.find(tx.connection, question.user, question.id)
    if kept is not None and kept.open:
        _end(tx, kept, Outcome("failed", error=question.error))
    return Done()


def sift_transcripts(view: Snapshot, question: SiftTranscripts) -> OpenTranscripts:
    """Those that are still to be made."""
    return OpenTranscripts(ids=transcripts.still_open(view.connection, question.ids))


def order_again(tx: Transaction, whose: tuple[str, str]) -> None:
    """Orders a transcript again whose order seems to be lost. Twice does no harm: it is claimed once."""
    transcript_id, user = whose
    kept = transcripts.find(tx.connection, user, transcript_id)
    if kept is None or not kept.open:
        return
    log.warning("transcript.order_repeated", transcript=kept.id, status=kept.status, epoch=kept.epoch)
    transcripts.ordered(tx.connection, kept.id, tx.ticks)
    tx.order_transcript(kept.user, kept.id)


def _end(tx: Transaction, kept: Kept, outcome: Outcome) -> None:
    ended = transcripts.get(tx.connection, kept.user, kept.id).model_copy(
        update={
            "status": outcome.status,
            "text": outcome.text,
            "language": outcome.language or kept.language,
            "engine": outcome.engine,
            "duration_seconds": outcome.duration_seconds,
            "segments": outcome.segments,
            "error": outcome.error,
        }
    )
    transcripts.end(tx.connection, ended, tx.micros)
    tx.tell_transcript(kept.user, _event(tx, kept, ended))


def _event(tx: Transaction, kept: Kept, ended: Transcript) -> TranscriptCompleted | TranscriptFailed:
    about = tx.stamp(kept.user)
    if ended.error is not None:
        return TranscriptFailed(**about, transcript_id=kept.id, origin=kept.origin, error=ended.error)
    segments = ended.segments or []
    fits = sum(len(segment.text.encode()) + 64 for segment in segments) <= TOLD_BYTES
    return TranscriptCompleted(
        **about,
        transcript_id=kept.id,
        origin=kept.origin,
        text=ended.text or "",
        language=ended.language,
        engine=ended.engine,
        duration_seconds=ended.duration_seconds,
        segments=segments if fits else None,
    )
