"""Header blocks as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid
from shared.headers import BEGIN, block, line, number, status, value
from shared.held import Held, backoff, give_back

NO_RESPONDERS = b"NATS/1.0 503\r\n\r\n"


@given(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])))
def test_what_a_line_says_is_read_back(text):
    header = block(line(b"First", "x") + line(b"Name", text) + line(b"Other", "y"))
    assert value(header, b"Name") == text.encode().strip()
    assert value(header, b"Other") == b"y"


@given(st.text())
def test_S11_a_line_is_one_line_or_refused(text):
    try:
        made = line(b"Name", text)
    except Invalid:
        assert "\r" in text or "\n" in text or any("\ud800" <= letter <= "\udfff" for letter in text)
    else:
        assert made.count(b"\r\n") == made.count(b"\n") == 1


def test_an_absent_header_is_empty_and_a_part_of_a_name_is_absent():
    header = block(line(b"Nats-Sequence", "7"))
    assert (value(header, b"Sequence"), value(header, b"Nats"), value(None, b"Nats-Sequence")) == (b"", b"", b"")
    assert number(header, b"Nats-Sequence") == 7


@pytest.mark.parametrize(
    ("header", "code"), [(NO_RESPONDERS, 503), (b"NATS/1.0 204 EOB\r\n\r\n", 204), (BEGIN + b"\r\n", 0), (None, 0)]
)
def test_the_status_of_a_block(header, code):
    assert status(header) == code


@pytest.mark.parametrize(
    "ack",
    [b"$JS.ACK.JOBS.generate.3.42.7.1700000000000000000.0", b"$JS.ACK._.hash.JOBS.generate.3.42.7.1700000000000000000.0.x"],
)
def test_T2_an_ack_subject_of_either_form_says_count_and_sequence(ack):
    order = Held(b"job.generate.ana", ack, None, b"")
    assert (order.count, order.sequence, order.user) == (3, 42, "ana")


def test_giving_back_says_for_how_long():
    assert give_back(0) == b"-NAK"
    assert give_back(1.5) == b'-NAK {"delay": 1500000000}'


def test_the_backoff_grows_and_has_an_end():
    assert 0.75 <= backoff(1) <= 1.25
    assert backoff(50) <= 37.5
