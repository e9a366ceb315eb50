"""Moves everything from one database to another, table by table, and goes on where it stopped when it is begun again."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Table, bindparam, column, func, select, text, tuple_, update

from memory.derived import chores
from memory.machinery import metadata
from memory.ports import Store
from memory.records.prepared import POSTGRESQL, Values, row, rows, run, run_all, scalar
from memory.records.upserts import insert, upsert
from memory.tables import installation, users
from shared.errors import Refused

AT_ONCE = 200
MOVING = "moving"
"""The chore of a database that is not whole yet: from which one it is filled, and how far each table is."""

TABLES: Sequence[Table] = [table for table in metadata.sorted_tables if table is not installation]

Progress = Callable[[str, int, int], None]
"""A table's name, how many of its rows are done, of how many."""

_STATE = select(chores.c.value).where(chores.c.name == MOVING)
_KEEP_STATE = upsert(chores, ["name"], ["value"])
_DONE = chores.delete().where(chores.c.name == MOVING)
_ANY_USER = select(users.c.id).limit(1)
_INSTALLATION = select(installation)


class NotMoved(Refused):
    """The data can't be moved like this."""

    code = "not_moved"


class HalfMoved(Refused):
    """This database is being filled from another one: run `colloquy migrate` again, the same, until it is done."""

    code = "half_moved"


@dataclass(frozen=True, slots=True)
class Far:
    """How far it is: the last key of each table that was begun."""

    source: str
    keys: dict[str, list[Any]]

    def encode(self) -> str:
        """As it is kept in the database that is being filled."""
        return json.dumps({"source": self.source, "keys": self.keys})


def refuse_half_moved(connection: Connection) -> None:
    """Raises HalfMoved when a move into this database has not been finished."""
    if scalar(connection, _STATE, {}) is not None:
        raise HalfMoved


async def move(source: Store, target: Store, progress: Progress) -> dict[str, int]:
    """Everything that can't be made again from the rest; how many rows of each table. Raises NotMoved, and faults.

    Nobody may use either meanwhile. Search's index is made again by memory when it runs.
    """
    if not (source.alone and target.alone):
        raise NotMoved("Memory runs on one of the two databases: stop it first.")
    far = await target.write(partial(_begin, source=source.database_id))
    if await source.read(lambda connection: scalar(connection, _ANY_USER, {})) is None:
        raise NotMoved("There is nothing in the database to move from.")
    counts = {table.name: await _move_table(source, target, table, far, progress) for table in TABLES}
    for table in TABLES:
        there = await target.read(partial(_count, table))
        if there != counts[table.name]:
            raise NotMoved(
                f"{there} rows arrived in {table.name}, and it has {counts[table.name]}: was the database used meanwhile?"
            )
    mine = await source.read(lambda connection: row(connection, _INSTALLATION, {}))
    await target.write(partial(_end, moved=mine))
    return counts


def _begin(connection: Connection, source: str) -> Far:
    kept = scalar(connection, _STATE, {})
    if kept is not None:
        far = Far(**json.loads(kept))
        if far.source != source:
            raise NotMoved("The database to move to is half filled from another one: use a new one.")
        return far
    if scalar(connection, _ANY_USER, {}) is not None:
        raise NotMoved("The database to move to is not empty: use a new one.")
    far = Far(source, {})
    run(connection, _KEEP_STATE, {"name": MOVING, "value": far.encode()})
    return far


async def _move_table(source: Store, target: Store, table: Table, far: Far, progress: Progress) -> int:
    total = await source.read(partial(_count, table))
    done = await target.read(partial(_count, table)) if table.name in far.keys else 0
    while True:
        progress(table.name, done, total)
        some = await source.read(partial(_some, table, far.keys.get(table.name)))
        if not some:
            return total
        await target.write(partial(_put, table, some, far))
        done += len(some)


def _count(table: Table, connection: Connection) -> int:
    return scalar(connection, select(func.count()).select_from(table), {})


def _some(table: Table, after: Sequence[Any] | None, connection: Connection) -> list[Values]:
    """The next rows in the order of their keys."""
    key = list(table.primary_key.columns)
    query = select(table).order_by(*key).limit(AT_ONCE)
    values: dict[str, Any] = {}
    if after is not None:
        values = {f"after_{column.name}": value for column, value in zip(key, after, strict=True)}
        query = query.where(tuple_(*key) > tuple_(*(bindparam(f"after_{each.name}", type_=each.type) for each in key)))
    return [_typed(table, found._asdict()) for found in rows(connection, query, values)]


def _typed(table: Table, values: dict[str, Any]) -> Values:
    """SQLite's booleans are numbers, which PostgreSQL does not take."""
    for each in table.columns:
        if isinstance(each.type, Boolean) and values[each.name] is not None:
            values[each.name] = bool(values[each.name])
    return values


def _put(table: Table, some: Sequence[Values], far: Far, connection: Connection) -> None:
    run_all(connection, insert(table).on_conflict_do_nothing(), some)
    far.keys[table.name] = [some[-1][each.name] for each in table.primary_key.columns]
    run(connection, _KEEP_STATE, {"name": MOVING, "value": far.encode()})


def _end(connection: Connection, moved: Any) -> None:
    """It is the same installation, and its rows are numbered on from where they are."""
    values = {f"new_{name}": value for name, value in moved._asdict().items()}
    run(
        connection,
        update(installation).values({each.name: bindparam(f"new_{each.name}") for each in installation.columns}),
        values,
    )
    if connection.dialect.name == POSTGRESQL:
        for table in TABLES:
            if table.autoincrement_column is not None:
                _number_on(connection, table, table.autoincrement_column.name)
    run(connection, _DONE, {})


def _number_on(connection: Connection, table: Table, name: str) -> None:
    highest = scalar(connection, select(func.max(table.c[name])), {})
    if highest is not None:
        query = text("SELECT setval(pg_get_serial_sequence(:table, :column), :highest)").columns(column("set", BigInteger))
        connection.execute(query, {"table": table.name, "column": name, "highest": highest})
