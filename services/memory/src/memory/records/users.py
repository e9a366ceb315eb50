"""Users, of whom only the version of their state is kept."""

from sqlalchemy import Connection, bindparam, select

from memory.records.prepared import scalar
from memory.records.upserts import insert
from memory.tables import users

_NEXT = (
    insert(users)
    .values(id=bindparam("user"), version=1)
    .on_conflict_do_update(index_elements=[users.c.id], set_={"version": users.c.version + 1})
    .returning(users.c.version)
)
_VERSION = select(users.c.version).where(users.c.id == bindparam("user"))


def next_version(connection: Connection, user: str) -> int:
    """Raises the version of this user's state by one."""
    return scalar(connection, _NEXT, {"user": user})


def version_of(connection: Connection, user: str) -> int:
    """The version of this user's state; 0 for one who was never here."""
    return scalar(connection, _VERSION, {"user": user}) or 0
