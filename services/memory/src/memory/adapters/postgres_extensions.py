"""What PostgreSQL can do only with an extension: made where it is allowed, done without where not."""

import asyncpg
import structlog
from sqlalchemy import BigInteger, Connection, column, text

from memory.records.prepared import rows, run

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_INSTALLED = text("SELECT count(*) AS count FROM pg_extension WHERE extname = :name").columns(column("count", BigInteger))
_THERE = text("SELECT count(*) AS count FROM pg_available_extensions WHERE name = :name").columns(column("count", BigInteger))
_LOCK = text("SELECT pg_advisory_xact_lock(:key) IS NULL AS held").columns(column("held", BigInteger))
_MARK, _BACK = text("SAVEPOINT extension"), text("ROLLBACK TO extension")
EXTENDING = 0x436F6C6C_0003
"""One replica at a time: IF NOT EXISTS does not keep two from colliding."""


def extended(connection: Connection, name: str) -> bool:
    """Whether the database has this extension, now."""
    rows(connection, _LOCK, {"key": EXTENDING})
    if rows(connection, _INSTALLED, {"name": name})[0].count:
        return True
    if not rows(connection, _THERE, {"name": name})[0].count:
        log.warning("extension.missing", extension=name)
        return False
    run(connection, _MARK, {})
    try:
        run(connection, text(f"CREATE EXTENSION IF NOT EXISTS {name}"), {})
    except asyncpg.PostgresError as error:
        run(connection, _BACK, {})
        log.warning("extension.refused", extension=name, reason=type(error).__name__)
        return False
    return True
