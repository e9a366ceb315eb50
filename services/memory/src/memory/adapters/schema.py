"""What the schemas of both databases have in common: which revisions there are, and how to get to the newest."""

from typing import Any

import structlog
from sqlalchemy import Connection, insert, select

from memory.migrations import HEAD, REVISIONS
from memory.tables import installation
from shared.errors import Refused

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class DatabaseInUse(Refused):
    """Another memory process has this database open; only one may."""

    code = "database_in_use"


class DatabaseGone(Refused):
    """The database file is not where it was."""

    code = "database_gone"


class DatabaseForeign(Refused):
    """This is not a database of this program."""

    code = "database_foreign"


class DatabaseNewer(Refused):
    """The database was written by a newer version of this program."""

    code = "database_newer"


def known(revision: str) -> str:
    """The revision, if this program knows it. Raises DatabaseNewer."""
    if revision not in REVISIONS:
        raise DatabaseNewer(f"The database is of a newer version ({revision}) than this program ({HEAD}).")
    return revision


def bring_up(connection: Connection, revision: str | None, new_stamp: str, now: int) -> str:
    """Leaves the schema at `HEAD`, and answers which database this is. Runs in one transaction of the caller.

    `revision` is where it stands; None: it is empty.
    """
    if revision != HEAD:
        upgrade(connection)
        log.info("database.migrated", before=revision, after=HEAD)
    if revision is None:
        connection.execute(insert(installation), {"id": new_stamp, "created_at": now})
    return connection.execute(select(installation.c.id)).scalar_one()


def upgrade(connection: Connection, to: str = "head") -> None:
    """Takes the steps that are missing."""
    # Imported here because it takes a quarter of a second that nearly every start can do without.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "memory:migrations")
    attributes: dict[str, Any] = config.attributes
    attributes["connection"] = connection
    command.upgrade(config, to)
