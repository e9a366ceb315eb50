"""What the terminal shows of an answer, whatever way its events come."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.frames import Frame, frames
from colloquy.turn import Turn

WIRE = (
    'retry: 700\n\n: ping\n\nid: a-1\nevent: llm.token\ndata: {"token":"é\u2028\x85😀"}\n\n'
    'event: reset\ndata: {"reason":"too_old"}\n\n'
).encode()


@pytest.fixture
def turn():
    return Turn("g_1", "m_1")


def event(kind, **data):
    return Frame("x-1", kind, json.dumps({"generationId": "g_1", "attempt": 1, **data}))


def end(text, kind="message.completed", **message):
    return event(kind, message={"text": text, **message})


@given(st.lists(st.integers(0, len(WIRE)), max_size=8))
async def test_frames_are_the_same_however_the_bytes_are_cut(cuts):
    async def chunks():
        places = [0, *sorted(cuts), len(WIRE)]
        for begin, stop in pairwise(places):
            yield WIRE[begin:stop]

    assert [frame async for frame in frames(chunks())] == [
        Frame("a-1", "llm.token", '{"token":"é\u2028\x85😀"}'),
        Frame("", "reset", '{"reason":"too_old"}'),
    ]


def test_tokens_are_shown_as_they_come_and_the_end_adds_only_what_is_missing(turn):
    shown = [turn.take(each) for each in (event("llm.token", token="1, "), event("llm.token", token="2"), end("1, 2, 3"))]
    assert shown == ["1, ", "2", ", 3"]
    assert turn.ended == "completed"


def test_a_new_attempt_voids_the_text_and_says_so(turn):
    turn.take(event("llm.token", token="half"))
    assert "again" in turn.take(event("generation.restarted", attempt=2))
    assert turn.take(event("llm.token", token="whole", attempt=2)) == "whole"
    assert turn.take(end("whole", attempt=2)) == ""


def test_a_stored_text_that_differs_is_shown_whole(turn):
    turn.take(event("llm.token", token="old"))
    assert turn.take(end("new")) == "\nnew"


def test_events_of_other_answers_are_left_alone(turn):
    assert turn.take(event("llm.token", generationId="g_2", token="x")) == ""
    assert turn.take(event("message.completed", generationId="g_2", message={"text": "x"})) == ""
    assert not turn.ended


def test_a_failure_keeps_the_text_and_names_the_problem(turn):
    assert turn.take(end("hal", "message.failed", error={"code": "incomplete", "message": "It was cut."})) == "hal"
    assert (turn.ended, turn.problem) == ("failed", "It was cut.")
