"""Users, of whom only the version of their state is kept."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, case, func, select, update

from memory.records.prepared import row, run, scalar
from memory.records.upserts import insert
from memory.tables import installation, users
from shared.errors import BeingErased

_FLOOR = select(func.max(installation.c.version_floor)).scalar_subquery()
_NEW = insert(users).values(id=bindparam("user"), version=_FLOOR + 1, forgotten=_FLOOR, latest=bindparam("at"))
_LATER = case((users.c.latest < _NEW.excluded.latest, _NEW.excluded.latest), else_=users.c.latest + 1)
_NEXT = _NEW.on_conflict_do_update(
    index_elements=[users.c.id],
    set_={"version": users.c.version + 1, "latest": _LATER},
    where=users.c.erasing.is_(False),
).returning(users.c.version, users.c.latest)
_STANDING = select(users.c.version, users.c.forgotten, users.c.latest).where(users.c.id == bindparam("user"))
_VERSION = select(users.c.version).where(users.c.id == bindparam("user"))
_OF_ERASED = select(users.c.version).where(users.c.id == bindparam("user"), users.c.erasing.is_(True)).scalar_subquery()
_RAISE_FLOOR = update(installation).where(installation.c.version_floor < _OF_ERASED).values(version_floor=_OF_ERASED)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a user's state is: its version, up to which one removals are forgotten, and the moment of the last change."""

    version: int = 0
    forgotten: int = 0
    latest: int = 0


def next_version(connection: Connection, user: str, at: int) -> tuple[int, int]:
    """Raises the version of this user's state by one. Raises BeingErased.

    With it comes its moment, which is `at`, or later when the clock was set back: moments of versions only grow (F33).

    Somebody new begins above every version that an erased user had: it may be the same person, whose devices still know theirs.
    """
    found = row(connection, _NEXT, {"user": user, "at": at})
    if found is None:
        raise BeingErased
    return found.version, found.latest


def standing(connection: Connection, user: str) -> Standing:
    """How far this user's state is."""
    found = row(connection, _STANDING, {"user": user})
    return Standing() if found is None else Standing(found.version, found.forgotten, found.latest)


def version_of(connection: Connection, user: str) -> int:
    """The version of this user's state; 0 for one who was never here."""
    return scalar(connection, _VERSION, {"user": user}) or 0


def raise_floor(connection: Connection, user: str) -> None:
    """Whoever is new from now on begins above the version of this user, who is being erased."""
    run(connection, _RAISE_FLOOR, {"user": user})
