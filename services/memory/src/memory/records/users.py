"""Users, of whom only the version of their state is kept."""

from sqlalchemy import Connection, bindparam, func, select, update

from memory.records.prepared import run, scalar
from memory.records.upserts import insert
from memory.tables import installation, users
from shared.errors import BeingErased

_FLOOR = select(func.max(installation.c.version_floor)).scalar_subquery()
_NEXT = (
    insert(users)
    .values(id=bindparam("user"), version=_FLOOR + 1, forgotten=_FLOOR)
    .on_conflict_do_update(
        index_elements=[users.c.id], set_={"version": users.c.version + 1}, where=users.c.erasing.is_(False)
    )
    .returning(users.c.version)
)
_VERSION = select(users.c.version).where(users.c.id == bindparam("user"))
_CLOSE = update(users).where(users.c.id == bindparam("user")).values(erasing=True)
_OF_ERASED = select(users.c.version).where(users.c.id == bindparam("user"), users.c.erasing.is_(True)).scalar_subquery()
_RAISE_FLOOR = update(installation).where(installation.c.version_floor < _OF_ERASED).values(version_floor=_OF_ERASED)


def next_version(connection: Connection, user: str) -> int:
    """Raises the version of this user's state by one. Raises BeingErased.

    Somebody new begins above every version that an erased user had: it may be the same person, whose devices still know theirs.
    """
    version: int | None = scalar(connection, _NEXT, {"user": user})
    if version is None:
        raise BeingErased
    return version


def version_of(connection: Connection, user: str) -> int:
    """The version of this user's state; 0 for one who was never here."""
    return scalar(connection, _VERSION, {"user": user}) or 0


def close(connection: Connection, user: str) -> None:
    """Nothing of this user is taken from now on."""
    run(connection, _CLOSE, {"user": user})


def raise_floor(connection: Connection, user: str) -> None:
    """Whoever is new from now on begins above the version of this user, who is being erased."""
    run(connection, _RAISE_FLOOR, {"user": user})
