"""Ids are never given out twice, whoever asks for them at the same time."""

import re
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

from shared.ids import new_id


def test_ids_of_many_threads_are_all_different():
    with ThreadPoolExecutor(8) as threads:
        made = [an_id for some in threads.map(lambda _: [new_id("m") for _ in range(2000)], range(8)) for an_id in some]
    assert len(set(made)) == 16_000


def test_a_process_and_its_fork_do_not_draw_the_same():
    # What is drawn ahead must not be in both.
    new_id("m")
    with get_context("fork").Pool(1) as child:
        theirs = child.apply(_some_ids)
    assert not set(theirs) & set(_some_ids())


def _some_ids():
    return [new_id("m").removeprefix("m_")[10:] for _ in range(500)]


def test_an_id_says_its_kind_and_sorts_by_age():
    first = new_id("c")
    assert re.fullmatch(r"c_[0-9a-hjkmnp-tv-z]{24}", first)
    later = new_id("c")
    assert later[2:11] >= first[2:11]
