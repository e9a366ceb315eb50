"""A transcript, waited for to its end."""

from contextlib import aclosing

from gateway.parts import Parts
from shared.contract.objects import Problem
from shared.contract.speech import GET_TRANSCRIPT, GetTranscript
from shared.contract.subjects import transcript_scope
from shared.contract.transcript import Transcript
from shared.errors import Fault, Refused, fault_of
from shared.feed import Cursor, Reset

ENDS = frozenset({b"transcript.completed", b"transcript.failed"})


class TranscriptionFailed(Refused):
    """This recording could not be made into text."""

    code, status = "transcription_failed", 422


async def text_of(parts: Parts, user: str, transcript_id: str) -> Transcript:
    """The transcript when it has ended. Raises why there is none."""
    scope = transcript_scope(user, transcript_id)
    # The place first, then the question: what ends in between comes after it.
    after = await parts.feed.head(scope)
    while True:
        transcript = await parts.ask(GET_TRANSCRIPT, GetTranscript(user=user, id=transcript_id))
        if transcript.error is not None:
            raise failure_of(transcript.error)
        if transcript.status == "completed":
            return transcript
        after = await _end(parts, user, transcript_id, after)


async def _end(parts: Parts, user: str, transcript_id: str, after: Cursor) -> Cursor:
    """Returns when it is told that it has ended, or when one has to ask again."""
    scope = transcript_scope(user, transcript_id)
    try:
        async with aclosing(parts.feed.follow(scope, after)) as events:
            async for event in events:
                if event.type in ENDS:
                    return event.cursor
    except Reset:
        return await parts.feed.head(scope)
    return after


def failure_of(problem: Problem) -> Fault:
    """The reason as a fault: one that this process knows, or the general one."""
    fault = fault_of(problem.code, problem.message, {}, 1.0)
    known = isinstance(fault, Refused) and type(fault) is not Refused
    return fault if known else TranscriptionFailed(problem.message, reason=problem.code)
