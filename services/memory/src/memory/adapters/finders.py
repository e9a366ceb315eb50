"""Which search index it is: that of the database."""

from memory.adapters.postgres_address import is_postgres
from memory.adapters.postgres_search import PostgresFinder
from memory.adapters.sqlite_search import SqliteFinder
from memory.ports import Finder


def finder_of(database_url: str) -> Finder:
    """The index in this database."""
    return PostgresFinder() if is_postgres(database_url) else SqliteFinder()
