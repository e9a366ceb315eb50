"""The baseline: the same appends by the database alone. No bus, no events, no rules; one row, durable."""

import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path

import asyncpg

ROW = ("c_0123456789abcdef", "u1", None, "user", "hello there, this is what a short message looks like", "completed", 1, 1)
_COLUMNS = "id, conversation_id, user_id, parent_id, role, text, status, changed, created_at"
_TABLE = (
    "CREATE TABLE bare (id TEXT PRIMARY KEY, conversation_id TEXT, user_id TEXT, parent_id TEXT,"
    " role TEXT, text TEXT, status TEXT, changed BIGINT, created_at BIGINT)"
)
GROUP, GROUPS = 64, 100

Figures = tuple[float, float, float]
"""Milliseconds of one append with its commit (median), such appends per second, and in groups of 64 per second."""


def sqlite_alone(folder: Path, count: int) -> Figures:
    """SQLite with synchronous=FULL, in this process."""
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(_TABLE)
        insert = f"INSERT INTO bare ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        times: list[float] = []
        for number in range(count):
            began = time.perf_counter()
            connection.execute(insert, (f"m_{number}", *ROW))
            times.append(time.perf_counter() - began)
        began = time.perf_counter()
        for group in range(GROUPS):
            connection.execute("BEGIN IMMEDIATE")
            for number in range(GROUP):
                connection.execute(insert, (f"g_{group}_{number}", *ROW))
            connection.execute("COMMIT")
        grouped = time.perf_counter() - began
    return _figures(times, GROUPS * GROUP / grouped)


async def postgres_alone(url: str, count: int) -> Figures:
    """PostgreSQL over one connection of asyncpg."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_TABLE)
        insert = f"INSERT INTO bare ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        times: list[float] = []
        for number in range(count):
            began = time.perf_counter()
            await connection.execute(insert, f"m_{number}", *ROW)
            times.append(time.perf_counter() - began)
        began = time.perf_counter()
        for group in range(GROUPS):
            await connection.executemany(insert, [(f"g_{group}_{number}", *ROW) for number in range(GROUP)])
        grouped = time.perf_counter() - began
        await connection.execute("DROP TABLE bare")
    finally:
        await connection.close()
    return _figures(times, GROUPS * GROUP / grouped)


def _figures(times: list[float], grouped: float) -> Figures:
    return statistics.median(times) * 1000, len(times) / sum(times), grouped
