"""The schema of an open SQLite file: checked at every start, made or brought up to date when it is older."""

import sqlite3
from contextlib import closing
from typing import cast

from sqlalchemy import Connection

from memory.adapters.schema import DatabaseForeign, bring_up, known
from memory.adapters.sqlite_file import DatabaseFile
from memory.tables import APPLICATION_ID


def prepare(connection: Connection, new_stamp: str, now: int) -> str:
    """Leaves the schema at `HEAD`, and answers which database this is. Runs in one transaction of the caller.

    Raises DatabaseForeign, DatabaseNewer.
    """
    revision = _revision(cast("sqlite3.Connection", connection.connection.dbapi_connection))
    if revision is None:
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    return bring_up(connection, revision, new_stamp, now)


def refuse_foreign(file: DatabaseFile) -> None:
    """Looks before anything is changed: even the journal mode of another program's database is not ours to set.

    Raises DatabaseForeign, DatabaseNewer.
    """
    if file.exists:
        with closing(sqlite3.connect(f"{file.path.as_uri()}?mode=rw", uri=True)) as raw:
            _revision(raw)


def _revision(raw: sqlite3.Connection) -> str | None:
    tables = {row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    (stamped,) = raw.execute("PRAGMA application_id").fetchone()
    if not tables and stamped in (0, APPLICATION_ID):
        return None
    if stamped != APPLICATION_ID or "alembic_version" not in tables:
        raise DatabaseForeign
    (revision,) = raw.execute("SELECT version_num FROM alembic_version").fetchone()
    return known(revision)


def journal(raw: sqlite3.Connection) -> None:
    """The settings of the connection that writes: durable at every commit, erased for good, the one that checkpoints.

    What a savepoint would restore is kept in memory: on disk it is a new file each time (130 µs for a message).
    """
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "temp_store = MEMORY",
    ):
        raw.execute(f"PRAGMA {pragma}")
