"""Text as it is spoken, and sound as it is sent."""

import io

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.speech import RATE, spoken

from shared.contract.speech import OggPlace, Voice
from shared.errors import NoVoice
from shared.sentences import Sentences, sentences, speakable
from transcribe.adapters.encoding import encoded
from transcribe.speech import chosen


def test_marks_that_are_for_the_eye_are_not_spoken():
    assert speakable("## **Bold** and `code`, [a page](https://example.org/x) https://example.org/y 🎉") == (
        "Bold and code, a page a link"
    )
    assert speakable("set MODEL_NAME and _this_") == "set MODEL NAME and this"
    assert speakable("| one | two |") == "one , two"
    assert speakable("|---|:-:|") == speakable("---") == ""


def test_sentences_come_as_soon_as_they_are_whole():
    cutting = Sentences(150)
    assert cutting.feed("Hello there, Dr. Smith. How are") == ["Hello there, Dr. Smith."]
    assert cutting.feed(" you today? I") == ["How are you today?"]
    assert cutting.close() == ["I"]


def test_a_sentence_without_an_end_is_spoken_in_parts_while_it_comes():
    cutting = Sentences(30)
    assert cutting.feed("one, two, three, four, five, six, seven") == ["one, two, three, four, five"]
    assert cutting.close() == ["six, seven"]


def test_code_is_not_spoken():
    assert sentences("Look at this:\n```python\nprint('x. y. z.')\n```\nThat was it.", 150) == ["Look at this:", "That was it."]


@given(st.lists(st.text(alphabet="ab .!?,\n`*|#-", max_size=12), max_size=30))
def test_however_a_text_comes_its_sentences_are_short_and_nothing_is_said_twice(pieces):
    cutting = Sentences(20)
    found = [sentence for piece in pieces for sentence in cutting.feed(piece)] + cutting.close()
    assert all(len(sentence) <= 20 for sentence in found)
    assert sum(map(len, found)) <= len("".join(pieces)) + 8 * len(found)


VOICES = (
    Voice(id="slt", language="en-US", engine="flite", default=True),
    Voice(id="kal", language="en-US", engine="flite"),
    Voice(id="anna", language="de", engine="espeak"),
)


@pytest.mark.parametrize(
    ("name", "language", "voice"),
    [(None, None, "slt"), ("kal", None, "kal"), ("alloy", None, "slt"), (None, "de-AT", "anna"), (None, "fr", "slt")],
)
def test_a_voice_is_found_by_its_name_then_by_the_language(name, language, voice):
    assert chosen(VOICES, name, language).id == voice


def test_where_nobody_can_speak_that_is_said():
    with pytest.raises(NoVoice):
        chosen((), None, None)


def decoded(data: bytes, form: str) -> int:
    """How many samples there are, at 16 kHz."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(io.BytesIO(data), format=form) as read:
        frames = [piece for frame in read.decode(audio=0) for piece in resampler.resample(frame)]
    return sum(frame.samples for frame in frames)


@pytest.mark.parametrize(("form", "container"), [("opus", "ogg"), ("wav", "wav"), ("mp3", "mp3"), ("aac", "aac")])
def test_every_form_is_as_long_as_what_was_spoken(form, container):
    pcm = spoken("hello there")
    sound = encoded(pcm, RATE, form, None, last=True, serial=7)
    assert abs(decoded(sound.data, container) / RATE - sound.seconds) < 0.25
    assert abs(sound.seconds - len(pcm) / 2 / RATE) < 0.01


def test_sentences_made_one_by_one_are_one_ogg_stream():
    pcm, place, stream = spoken("hello there"), None, b""
    for number in range(3):
        sound = encoded(pcm, RATE, "opus", place, last=number == 2, serial=7)
        stream, place = stream + sound.data, sound.place
    assert abs(decoded(stream, "ogg") / RATE - 3 * len(pcm) / 2 / RATE) < 0.4
    assert stream.count(b"OpusHead") == 1
    assert isinstance(place, OggPlace)
