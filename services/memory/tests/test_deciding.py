"""The decisions as pure functions, for any input."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from memory.clock import micros, moment
from memory.context import Known, compose
from memory.generation import Generation, shift
from memory.message import TITLE_LENGTH, Remembered, fitting, title_of
from memory.tokens import tokens as estimated
from shared.contract.objects import Attachment, ChatMessage

TEXT = st.text(st.characters(codec="utf-8"), max_size=300)
STATUSES = ("pending", "streaming", "completed", "failed", "cancelled")


def generation(number, status="queued"):
    return Generation(number, f"g_{number}", "c", "u", "m", "a", status, 0, 0.0, stop_requested=False)


@given(TEXT)
def test_a_title_is_one_short_line_of_the_beginning(text):
    title = title_of(text)
    if title is None:
        assert not text.split()
        return
    assert len(title) <= TITLE_LENGTH
    assert " ".join(text.split()).startswith(title.removesuffix("…"))


@given(st.lists(st.tuples(TEXT, st.sampled_from(STATUSES), st.lists(TEXT, max_size=2))), st.integers(1, 100))
def test_a_prompt_is_within_its_budget_and_ends_with_the_newest_usable_message(drawn, tokens):
    branch = [
        Remembered("user", text, status, tuple(Attachment(name="a", text=t) for t in attached))
        for text, status, attached in drawn
    ]
    chosen = compose(Known(), branch, tokens, 1.0).messages
    assert sum(estimated(message.text) for message in chosen) <= tokens
    usable = [message for message in branch if message.usable]
    assert bool(chosen) == bool(usable)
    if chosen:
        assert usable[0].text[: len(chosen[-1].text)] == chosen[-1].text[: len(usable[0].text)]


@given(st.lists(TEXT, max_size=20), st.integers(1, 20), st.integers(0, 3000))
def test_a_page_is_the_newest_that_fits_oldest_first_and_never_empty_without_need(texts, limit, budget):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    newest_first = [
        ChatMessage(id=f"m_{n}", conversation_id="c", role="user", text=text, status="completed", created_at=at)
        for n, text in enumerate(texts)
    ]
    page = fitting(newest_first, limit, budget)
    assert page[::-1] == newest_first[: len(page)]
    assert len(page) <= limit
    assert bool(page) == bool(texts)
    assert len(page) <= 1 or sum(len(message.encode()) for message in page) <= budget


@given(st.lists(st.integers(0, 9), unique=True), st.sets(st.integers(0, 9)))
def test_a_queue_moves_up_so_that_exactly_the_new_first_one_is_ordered(numbers, ended):
    before = [generation(number) for number in numbers]
    after = [waiting for waiting in before if waiting.seq not in ended]
    moves = shift(before, after)
    is_new = bool(after) and after[0] is not before[0]
    assert (moves.order is not None) == is_new
    assert all(after[place] is waiting and place > 0 and before.index(waiting) != place for waiting, place in moves.places)
    unmoved = [w for place, w in enumerate(after) if place > 0 and before.index(w) != place]
    assert [waiting for waiting, _ in moves.places] == unmoved


@given(st.integers(0, 1 << 54))
def test_a_moment_is_stored_to_the_microsecond(stored):
    assert micros(moment(stored)) == stored
