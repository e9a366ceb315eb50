"""M093: what is personal is found, measured on a labelled set; and whatever the text, in time that grows with it."""

import re
from collections import Counter
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.personal import found_in, is_card, is_iban

LABELLED = Path(__file__).with_name("personal.txt")
LABEL = re.compile(r"⟦([A-Z]+)\|([^⟧]*)⟧")

Span = tuple[int, int, str]


def labelled() -> list[tuple[str, set[Span]]]:
    lines = [line for line in LABELLED.read_text(encoding="utf-8").splitlines() if line and not line.startswith("# ")]
    return [unlabelled(line) for line in lines]


def unlabelled(line: str) -> tuple[str, set[Span]]:
    text, spans, place = "", set[Span](), 0
    for match in LABEL.finditer(line):
        text += line[place : match.start()]
        spans.add((len(text), len(text) + len(match[2]), match[1]))
        text += match[2]
        place = match.end()
    return text + line[place:], spans


def test_m093_precision_and_recall_on_the_labelled_set():
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for text, expected in labelled():
        found = {tuple(each) for each in found_in(text)}
        right.update(span[2] for span in found & expected)
        for start, end, kind in found - expected:
            wrong[kind] += 1
            print(f"found and not there: {kind} {text[start:end]!r} in {text!r}")
        for start, end, kind in expected - found:
            missed[kind] += 1
            print(f"there and not found: {kind} {text[start:end]!r} in {text!r}")
    for kind in sorted(right | missed):
        precision, recall = right[kind] / (right[kind] + wrong[kind]), right[kind] / (right[kind] + missed[kind])
        print(f"{kind}: precision {precision:.3f}, recall {recall:.3f}")
    precision, recall = right.total() / (right.total() + wrong.total()), right.total() / (right.total() + missed.total())
    print(f"{len(labelled())} lines, {right.total()} found: precision {precision:.3f}, recall {recall:.3f}")
    assert len(labelled()) >= 150
    assert precision >= 0.97
    assert recall >= 0.97


@pytest.mark.parametrize(
    "text",
    [
        "a@" * 50_000, "a." * 50_000 + "@", "@" * 100_000, "a@a." * 25_000, "1 " * 50_000, "+1" * 50_000, "1" * 100_000,
        "DE12 " * 20_000, "DE12" + "A" * 100_000, "eyJ" * 33_000, "eyJaaaaaaaa." * 8_000, "-----BEGIN PRIVATE KEY-----" * 4_000,
        "sk-" * 33_000, "sk-" + "a-" * 50_000, "password is " * 8_000, "password:" * 11_000, "password: " + "x" * 100_000,
        "Bearer " * 14_000, "://" * 33_000, "://a:" * 20_000, "tel " * 25_000, "(" * 100_000, "1(" * 50_000, "é" * 100_000,
        "0171 2345678 " * 8_000, "ana@example.com " * 6_000, "my x number " * 8_000 + "1",
    ],
    ids=lambda text: text[:16].strip(),
)  # fmt: skip
def test_m093_no_text_takes_long(text: str):
    began = process_time()
    found_in(text)
    assert process_time() - began < 2.0, "100 kB"


@given(st.text(max_size=200))
def test_what_is_found_is_in_the_text_and_does_not_overlap(text: str):
    place = 0
    for found in found_in(text):
        assert place <= found.start < found.end <= len(text)
        place = found.end


@given(st.text(alphabet="0123456789 +-()./@aDEeyJ.:=sk_\n", max_size=200))
def test_nor_in_texts_that_look_like_it(text: str):
    place = 0
    for found in found_in(text):
        assert place <= found.start < found.end <= len(text)
        place = found.end


def test_a_private_key_is_found_whole():
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc=\n-----END RSA PRIVATE KEY-----"
    [found] = found_in(f"here:\n{key}\nthanks")
    assert found == (6, 6 + len(key), "KEY")


@pytest.mark.parametrize(("digit", "valid"), [("7", False), ("1", True)])
def test_check_digits_decide(digit: str, valid: bool):
    assert is_card("411111111111111" + digit) == valid
    assert is_iban("DE8937040044053201300" + ("0" if valid else "7")) == valid
