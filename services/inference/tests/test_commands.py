"""The built-in commands say exactly what they are, and echo exactly what they are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.adapters.embedded import Embedded, until
from inference.commands import COUNT_CAP, pieces, reply, reply_to
from inference.delta import End, Spent, Text
from inference.prompt import Prompt
from shared.contract.objects import PromptMessage, Sampling


def said(text: str) -> str:
    return "".join(reply(text))


def prompt(text: str, **sampling: object) -> Prompt:
    return Prompt((PromptMessage(role="user", text=text),), Sampling(**sampling))


@given(st.text(min_size=1))
def test_echo_repeats_every_byte(text: str):
    assert said("/echo " + text) == text


@pytest.mark.parametrize("text", ["  two  spaces ", "line\nline\r\n", "👩‍👩‍👧 e\u0301 \u202e", "\x00\x1f", "a" * 30_000, "\n"])
def test_echo_repeats_what_others_would_tidy_up(text: str):
    assert said("/echo " + text) == text


def test_echo_keeps_a_newline_that_follows_the_command():
    assert said("/echo\nhello") == "hello"
    assert "/echo" in said("/echo")


@given(st.text())
def test_pieces_join_to_the_text(text: str):
    assert "".join(pieces(text)) == text


@pytest.mark.parametrize(
    ("question", "answer"), [("count to 3", "1, 2, 3"), ("Count to 1.", "1"), ("please count up to 2", "1, 2")]
)
def test_it_counts(question: str, answer: str):
    assert said(question) == answer


def test_each_number_is_its_own_token():
    assert list(reply("count to 3")) == ["1, ", "2, ", "3"]


@pytest.mark.parametrize("number", ["10001", "1,000,000", "9" * 5_000])
def test_it_kindly_declines_to_count_for_ever(number: str):
    assert f"{COUNT_CAP:,}" in said(f"count to {number}")
    assert len(list(reply(f"count to {COUNT_CAP}"))) == COUNT_CAP


@pytest.mark.parametrize(
    "question", ["help", "what are you?", "Who are you", "are you an AI?", "/help", "what is the capital of Peru"]
)
def test_it_says_that_it_is_no_model_and_what_to_configure(question: str):
    answer = said(question)
    assert "not an AI model" in answer
    for setting in ("INFERENCE_BASE_URL", "INFERENCE_MODEL", "INFERENCE_API_KEY"):
        assert setting in answer


@pytest.mark.parametrize("question", ["hi", "Hello!", "good morning", "hey there"])
def test_it_greets(question: str):
    assert said(question).startswith("Hello")


@pytest.mark.parametrize("pace", [0, 5_000])
async def test_it_streams_at_any_pace_and_counts_its_tokens(pace: float):
    deltas = [delta async for delta in Embedded(pace).stream(prompt("count to 200"))]
    assert "".join(delta.text for delta in deltas if isinstance(delta, Text)) == said("count to 200")
    assert isinstance(deltas[-2], Spent)
    assert deltas[-2].usage.completion_tokens == 200
    assert deltas[-1] == End("stop")


async def test_it_stops_at_the_most_tokens_that_were_asked_for():
    deltas = [delta async for delta in Embedded(0).stream(prompt("count to 200", max_tokens=3))]
    assert [deltas[0], deltas[-1]] == [Text("1, 2, 3, "), End("length")]


def test_it_sleeps_until_a_moment_so_that_delays_do_not_add_up():
    assert until(10.0, 9.99) == pytest.approx(0.01)
    assert until(10.001, 9.999) == pytest.approx(0.009)
    assert until(10.0, 10.5) == 0


@pytest.mark.parametrize(("said", "answer"), [("count to 3", "1, 2, 3"), ("/echo hello", "hello")])
def test_what_is_attached_is_no_part_of_a_command(said, answer):
    attached = f'{said}\n\n<data 0123456789abcdef: attachment "a.csv">\na,b\n</data 0123456789abcdef>'
    assert "".join(reply_to([PromptMessage(role="user", text=attached)]).words) == answer
