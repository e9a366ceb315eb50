"""The schema of a PostgreSQL database: checked at every start, made or brought up to date when it is older."""

from sqlalchemy import Connection, inspect, text

from memory.adapters.schema import DatabaseForeign, bring_up, known
from memory.migrations import REVISIONS
from shared.errors import Refused

MIGRATING = 0x436F6C6C01
"""The advisory lock that a process holds while it looks at the schema and changes it: three replicas start at once."""

RUNNING = 0x436F6C6C02
"""The advisory lock that every connection of a running memory shares; who moves the data has it alone."""

SWEEPING = 0x436F6C6C03
"""The advisory lock of the one replica that sweeps right now."""

OLDEST = 140000


class DatabaseUnfit(Refused):
    """The database server is too old, or its database can't hold every character."""

    code = "database_unfit"


def prepare(connection: Connection, new_stamp: str, now: int) -> str:
    """Leaves the schema at `HEAD`, and answers which database this is. Runs in one transaction of the caller.

    Raises DatabaseForeign, DatabaseNewer, DatabaseUnfit.
    """
    _refuse_unfit(connection)
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
    return bring_up(connection, revision(connection), new_stamp, now)


def revision(connection: Connection) -> str | None:
    """Where the schema stands; None: there is nothing in it. Raises DatabaseForeign, DatabaseNewer."""
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    stamped = (
        connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if "alembic_version" in tables else None
    )
    if stamped is None or ("installation" not in tables and stamped not in REVISIONS):
        raise DatabaseForeign(
            "The database has tables, and they are not of this program: give it a database of its own (MEMORY_DATABASE_URL)."
        )
    return known(stamped)


def _refuse_unfit(connection: Connection) -> None:
    version, encoding = connection.execute(
        text("SELECT current_setting('server_version_num'), current_setting('server_encoding')")
    ).one()
    if int(version) < OLDEST:
        raise DatabaseUnfit(f"PostgreSQL {int(version) // 10000} is too old: 14 is the oldest that will do.")
    if encoding != "UTF8":
        raise DatabaseUnfit(f"The database is encoded in {encoding}, which lacks characters: make one with ENCODING 'UTF8'.")
