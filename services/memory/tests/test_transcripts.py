"""Transcripts are made by one worker at a time, end once, are told once, and go when they are old."""

import pytest

from shared.contract.events import TranscriptCompleted, TranscriptFailed
from shared.contract.objects import Problem
from shared.contract.speech import (
    ABANDON_TRANSCRIPT,
    CLAIM_TRANSCRIPT,
    CREATE_TRANSCRIPT,
    FINISH_TRANSCRIPT,
    GET_TRANSCRIPT,
    KEEP_TRANSCRIPT,
    RELEASE_TRANSCRIPT,
    RENEW_TRANSCRIPT,
    SIFT_TRANSCRIPTS,
    AbandonTranscript,
    ClaimTranscript,
    CreateTranscript,
    FinishTranscript,
    GetTranscript,
    KeepTranscript,
    ReleaseTranscript,
    RenewTranscript,
    SiftTranscripts,
    Transcribe,
)
from shared.contract.transcript import Segment
from shared.errors import IdempotencyMismatch, LostLease, TooMany, UnknownTranscript

SEGMENTS = [Segment(start=0.5, end=2.0, text="hello there")]


@pytest.fixture
async def desk(new_desk):
    async with new_desk() as desk:
        yield desk


async def create(desk, transcript="tr_1", user="ana", **more):
    return await desk.ask(CREATE_TRANSCRIPT, CreateTranscript(user=user, id=transcript, **more))


async def claim(desk, transcript="tr_1", user="ana"):
    return await desk.ask(CLAIM_TRANSCRIPT, ClaimTranscript(user=user, id=transcript, worker="w"))


async def finish(desk, epoch=1, transcript="tr_1", **more):
    values = {"outcome": "completed", "text": "hello there", "segments": SEGMENTS, "duration_seconds": 2.5} | more
    return await desk.ask(FINISH_TRANSCRIPT, FinishTranscript(user="ana", id=transcript, epoch=epoch, **values))


async def told(desk):
    await desk.until_sent()
    kinds = (TranscriptCompleted, TranscriptFailed)
    return [event for event in desk.post.events() if isinstance(event, kinds)]


async def orders(desk):
    await desk.until_sent()
    letters = [posted.data for posted in desk.post.stored if posted.subject.startswith("job.transcribe.")]
    return [Transcribe.decode(data).transcript_id for data in letters]


async def test_audio_that_has_come_is_ordered_and_its_text_is_told_with_segments(desk):
    created = await create(desk, language="en")
    assert (created.status, created.origin, created.repeated) == ("queued", "upload", False)
    assert await orders(desk) == ["tr_1"]
    granted = await claim(desk)
    assert (granted.decision, granted.epoch, granted.language) == ("run", 1, "en")
    ended = await finish(desk)
    assert (ended.status, ended.text, ended.segments) == ("completed", "hello there", SEGMENTS)
    (event,) = await told(desk)
    assert (event.transcript_id, event.text, event.segments) == ("tr_1", "hello there", SEGMENTS)


async def test_f19_the_same_key_gives_the_first_transcript_and_another_body_is_refused(desk):
    await create(desk, "tr_1", key="k", digest="d")
    again = await create(desk, "tr_2", key="k", digest="d")
    assert (again.id, again.repeated) == ("tr_1", True)
    with pytest.raises(IdempotencyMismatch):
        await create(desk, "tr_3", key="k", digest="other")
    assert await orders(desk) == ["tr_1"]


async def test_f7_a_dead_worker_loses_it_after_its_lease_and_what_it_says_late_is_refused(desk):
    await create(desk)
    await claim(desk)
    assert (await claim(desk)).decision == "wait"
    desk.clock.pass_by(desk.settings.lease_seconds + 1)
    assert (await claim(desk)).epoch == 2
    with pytest.raises(LostLease):
        await finish(desk, epoch=1, text="of the dead")
    with pytest.raises(LostLease):
        await desk.ask(RENEW_TRANSCRIPT, RenewTranscript(user="ana", id="tr_1", epoch=1))
    assert (await finish(desk, epoch=2)).text == "hello there"
    assert (await finish(desk, epoch=2)).text == "hello there"
    assert len(await told(desk)) == 1
    assert (await claim(desk)).decision == "done"


async def test_a_worker_that_renews_keeps_it(desk):
    await create(desk)
    await claim(desk)
    for _ in range(3):
        desk.clock.pass_by(desk.settings.lease_seconds - 1)
        await desk.ask(RENEW_TRANSCRIPT, RenewTranscript(user="ana", id="tr_1", epoch=1))
    assert (await claim(desk)).decision == "wait"


async def test_f30_a_worker_that_must_stop_gives_it_to_another_one_at_once(desk):
    await create(desk)
    await claim(desk)
    await desk.ask(RELEASE_TRANSCRIPT, ReleaseTranscript(user="ana", id="tr_1", epoch=1))
    assert await orders(desk) == ["tr_1", "tr_1"]
    assert (await claim(desk)).epoch == 2


async def test_f27_what_nobody_could_do_fails_with_the_reason_and_only_once(desk):
    await create(desk)
    problem = Problem(code="given_up", message="Nobody could read it.")
    for _ in range(2):
        await desk.ask(ABANDON_TRANSCRIPT, AbandonTranscript(user="ana", id="tr_1", error=problem))
    (event,) = await told(desk)
    assert event.error == problem
    assert (await desk.ask(GET_TRANSCRIPT, GetTranscript(user="ana", id="tr_1"))).error == problem


async def test_what_was_said_live_is_kept_once(desk):
    question = KeepTranscript(user="ana", id="tr_1", text="hello there", duration_seconds=2.5, segments=SEGMENTS)
    for _ in range(2):
        kept = await desk.ask(KEEP_TRANSCRIPT, question)
        assert (kept.status, kept.origin, kept.text) == ("completed", "live", "hello there")
    assert len(await told(desk)) == 1


async def test_s4_a_transcript_of_somebody_else_does_not_exist(desk):
    await create(desk)
    with pytest.raises(UnknownTranscript):
        await desk.ask(GET_TRANSCRIPT, GetTranscript(user="bob", id="tr_1"))
    assert (await claim(desk, user="bob")).decision == "done"


async def test_s13_too_many_recordings_are_refused(new_desk):
    async with new_desk(open_transcripts=2) as desk:
        await create(desk, "tr_1")
        await create(desk, "tr_2")
        with pytest.raises(TooMany):
            await create(desk, "tr_3")


async def test_an_order_that_was_lost_is_given_again(desk):
    await create(desk)
    desk.clock.pass_by(desk.settings.order_lost_after + 1)
    await desk.sweep()
    assert await orders(desk) == ["tr_1", "tr_1"]


async def test_only_what_is_still_to_be_made_needs_its_audio(desk):
    await create(desk, "tr_1")
    await create(desk, "tr_2")
    await claim(desk, "tr_1")
    await finish(desk)
    asked = SiftTranscripts(ids=["tr_1", "tr_2", "tr_9"])
    assert (await desk.ask(SIFT_TRANSCRIPTS, asked)).ids == ["tr_2"]


async def test_the_text_goes_when_it_is_old(desk):
    await create(desk)
    await claim(desk)
    await finish(desk)
    desk.clock.pass_by(desk.settings.transcript_days * 86_400 + 60)
    await desk.sweep()
    with pytest.raises(UnknownTranscript):
        await desk.ask(GET_TRANSCRIPT, GetTranscript(user="ana", id="tr_1"))
