"""How large the database is, for the metrics."""

from collections.abc import Callable

from prometheus_client import Gauge
from sqlalchemy import Connection, text

from memory.adapters.postgres_address import is_postgres
from memory.adapters.sqlite_file import path_of

DATABASE = Gauge("colloquy_memory_database_bytes", "Size of the database.")
WAL = Gauge("colloquy_memory_wal_bytes", "Size of SQLite's write-ahead log; it grows while a reader stays in the past.")

_SIZE = text("SELECT pg_database_size(current_database())")


def measuring(database_url: str) -> Callable[[Connection], None]:
    """Measures the database that it is given a connection of."""
    if is_postgres(database_url):
        return lambda connection: DATABASE.set(connection.execute(_SIZE).scalar_one())
    path = path_of(database_url)

    def measure(_: Connection) -> None:
        for gauge, file in ((DATABASE, path), (WAL, path.with_name(path.name + "-wal"))):
            gauge.set(file.stat().st_size if file.exists() else 0)

    return measure
