"""Many messages, put into the tables directly: over the bus a million would take ten minutes."""

import random
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import lru_cache
from itertools import accumulate
from typing import Any

import asyncpg

AT_ONCE = 20_000
COLUMNS = ("id", "conversation_id", "user_id", "parent_id", "role", "text", "status", "changed", "created_at")

COMMON, RARE, PHRASE, CJK = "project", "zebra", "quarterly budget review", "日本語の検索"
RARE_WORDS = 10
"""Each rare word is in this many messages; the common one is in three of ten."""

Row = tuple[Any, ...]


@lru_cache
def sentences(count: int) -> list[str]:
    """Different sentences of words that are as common as words are."""
    dice = random.Random(7)
    syllables = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]
    words = ["".join(dice.choices(syllables, k=dice.randint(1, 4))) for _ in range(20_000)]
    weights = list(accumulate(1 / (rank + 3) for rank in range(len(words))))
    made = [dice.choices(words, cum_weights=weights, k=dice.randint(8, 24)) for _ in range(count)]
    for number, sentence in enumerate(made):
        if number % 10 < 3:
            sentence[len(sentence) // 2] = COMMON
    return [" ".join(sentence) for sentence in made]


def rare(number: int, count: int) -> str:
    """The rare word of this message."""
    return f"{RARE}{number % max(1, count // RARE_WORDS):06d}"


def messages(user: str, conversation: str, count: int, prefix: str) -> Iterator[Row]:
    """A conversation's messages, each after the one before, the user and the assistant in turn."""
    pool = sentences(5_000)
    at = int(time.time() * 1e6) - count
    parent = None
    for number in range(count):
        text = f"{pool[number * 7919 % len(pool)]} {rare(number, count)}"
        if number % 1000 == 500:
            text += " " + PHRASE
        if number % 100 == 50:
            text += f" {CJK}の{number % 977}番"
        an_id = f"m_{prefix}{number:09d}"
        role = "assistant" if number % 2 else "user"
        yield (an_id, conversation, user, parent, role, text, "completed", 1, at + number)
        parent = an_id


async def fill(url: str, user: str, conversation: str, count: int, prefix: str) -> float:
    """Puts them in and makes the last one the conversation's head. Returns the seconds it took."""
    began = time.perf_counter()
    rows = messages(user, conversation, count, prefix)
    last = f"m_{prefix}{count - 1:09d}"
    if url.startswith("sqlite"):
        _into_sqlite(url.removeprefix("sqlite:///"), rows, conversation, last)
    else:
        await _into_postgres(url, rows, conversation, last)
    return time.perf_counter() - began


def _some(rows: Iterable[Row]) -> Iterator[list[Row]]:
    some: list[Row] = []
    for row in rows:
        some.append(row)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _into_sqlite(path: str, rows: Iterator[Row], conversation: str, last: str) -> None:
    places = ", ".join("?" * len(COLUMNS))
    with closing(sqlite3.connect(path, timeout=60)) as connection:
        for some in _some(rows):
            with connection:
                connection.executemany(f"INSERT INTO messages ({', '.join(COLUMNS)}) VALUES ({places})", some)
        with connection:
            connection.execute("UPDATE conversations SET head_id = ? WHERE id = ?", (last, conversation))


async def _into_postgres(url: str, rows: Iterator[Row], conversation: str, last: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for some in _some(rows):
            await connection.copy_records_to_table("messages", records=some, columns=COLUMNS)
        await connection.execute("UPDATE conversations SET head_id = $1 WHERE id = $2", last, conversation)
        await connection.execute("ANALYZE messages")
    finally:
        await connection.close()
