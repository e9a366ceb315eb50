"""Cursors as clients send them back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cursor import Cursor, incarnation_of
from shared.errors import BadCursor


@given(st.integers(0, 10**18 - 1))
def test_a_cursor_survives_being_text(sequence: int) -> None:
    assert Cursor.parse(str(Cursor("f1x", sequence))) == Cursor("f1x", sequence)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "1",
        "a-",
        "-1",
        "a-1 ",
        " a-1",
        "A-1",
        "a-1\n",
        "a-+1",
        "a--1",
        "a-1_0",
        "a-٣",
        "a-" + "9" * 19,
        "a" * 17 + "-1",
        "a-1-1",
        "a.b-1",
    ],
)
def test_anything_else_is_no_cursor(text: str) -> None:
    with pytest.raises(BadCursor):
        Cursor.parse(text)


def test_two_incarnations_differ_by_a_microsecond() -> None:
    names = [incarnation_of(f"2026-11-20T16:44:46.{fraction}Z") for fraction in ("920387795", "920388", "92", "0")]
    assert len(set(names)) == 4
    assert incarnation_of("2026-11-20T16:44:46Z") == names[3]
