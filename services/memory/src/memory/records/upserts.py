"""`insert(…).on_conflict_…`, for both databases: PostgreSQL's construct compiles for SQLite as it is (a test says so)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import Insert, insert

__all__ = ["insert", "upsert"]


def upsert(table: Table, index_elements: Sequence[str], set_: Sequence[str]) -> Insert:
    """Inserts a row; where one with these `index_elements` is already, its columns `set_` get the new values."""
    new = insert(table)
    values: dict[str, Any] = {name: new.excluded[name] for name in set_}
    return new.on_conflict_do_update(index_elements=list(index_elements), set_=values)
