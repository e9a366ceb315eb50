"""The schema of an open database: checked at every start, made or brought up to date when it is older."""

import sqlite3

import structlog
from sqlalchemy import Connection, insert, select

from memory.adapters.sqlite_file import DatabaseForeign
from memory.migrations import HEAD, REVISIONS
from memory.tables import APPLICATION_ID, installation
from shared.errors import Refused

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class DatabaseNewer(Refused):
    """The database was written by a newer version of this program."""

    code = "database_newer"


def prepare(connection: Connection, new_stamp: str, now: int) -> str:
    """Leaves the schema at `HEAD`, and answers which database this is. Runs in one transaction of the caller.

    Raises DatabaseForeign, DatabaseNewer.
    """
    revision = _revision(connection)
    if revision is not None and revision not in REVISIONS:
        raise DatabaseNewer(f"The database is of a newer version ({revision}) than this program ({HEAD}).")
    if revision != HEAD:
        _upgrade(connection)
        log.info("database.migrated", before=revision, after=HEAD)
    if revision is None:
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(insert(installation), {"id": new_stamp, "created_at": now})
    return connection.execute(select(installation.c.id)).scalar_one()


def _revision(connection: Connection) -> str | None:
    tables = {row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")}
    stamped = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
    if not tables and stamped in (0, APPLICATION_ID):
        return None
    if stamped != APPLICATION_ID or "alembic_version" not in tables:
        raise DatabaseForeign
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()


def _upgrade(connection: Connection) -> None:
    # Imported here because it takes a quarter of a second that nearly every start can do without.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "memory:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def journal(raw: sqlite3.Connection) -> None:
    """The settings of the connection that writes: durable at every commit, erased for good, the one that checkpoints."""
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        raw.execute(f"PRAGMA {pragma}")
