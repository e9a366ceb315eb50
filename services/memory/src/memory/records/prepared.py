"""Runs statements that are compiled once, on the driver itself.

Measured: SQLAlchemy's execution costs 70 µs a statement, this 15, and a turn has twenty statements.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, cast

from sqlalchemy import Connection, Dialect, Insert
from sqlalchemy.util import await_

from memory.records.texts import given, kept

AnyRow: TypeAlias = Any
"""A row with its columns as attributes, without their types: they are checked where it becomes a value."""

Values: TypeAlias = Mapping[str, Any]

POSTGRESQL = "postgresql"


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The text; for each place in it the parameter's name and the constant that stands there otherwise; the kind of row."""

    text: str
    places: tuple[tuple[str, Any], ...]
    row: Callable[[Sequence[Any]], AnyRow]

    def fill(self, values: Values) -> tuple[Any, ...]:
        return tuple([values.get(name, constant) for name, constant in self.places])


@lru_cache(maxsize=1024)
def _prepared(statement: Any, dialect: Dialect, columns: tuple[str, ...]) -> _Prepared:
    compiled = statement.compile(dialect=dialect, column_keys=columns or None)
    constants = compiled.construct_params(_check=False)
    places = tuple((name, constants.get(name)) for name in compiled.positiontup or ())
    names = [column[0] for column in compiled._result_columns]  # noqa: SLF001 - nothing public tells the labels
    kind = namedtuple("Row", names)  # pyright: ignore[reportUntypedNamedTuple]
    return _Prepared(str(compiled), places, kind._make)


def _of(connection: Connection, statement: Any, values: Values) -> _Prepared:
    columns = tuple(values) if isinstance(statement, Insert) else ()
    return _prepared(statement, connection.dialect, columns)


def driver(connection: Connection) -> Any:
    """The driver's own connection: asyncpg's, whose coroutines `await_` waits for, or sqlite3's."""
    return cast("Any", connection.connection).driver_connection


def run(connection: Connection, statement: Any, values: Values) -> None:
    """Executes a statement that is built once and kept, with values for its named parameters.

    What the driver takes and gives is passed on as it is: SQLite's booleans come back as 0 and 1.
    """
    rows(connection, statement, values)


def run_all(connection: Connection, statement: Any, values: Sequence[Values]) -> None:
    """The same for many rows, which have the same parameters."""
    if not values:
        return
    prepared = _of(connection, statement, values[0])
    filled = [prepared.fill(row) for row in values]
    if connection.dialect.name == POSTGRESQL:
        await_(driver(connection).executemany(prepared.text, [kept(row) for row in filled]))
        return
    cursor = connection.connection.cursor()
    cursor.executemany(prepared.text, filled)
    cursor.close()


def rows(connection: Connection, statement: Any, values: Values) -> list[AnyRow]:
    """All rows."""
    prepared = _of(connection, statement, values)
    filled = prepared.fill(values)
    if connection.dialect.name == POSTGRESQL:
        return [prepared.row(given(row)) for row in await_(driver(connection).fetch(prepared.text, *kept(filled)))]
    cursor = connection.connection.cursor()
    cursor.execute(prepared.text, filled)
    found = [prepared.row(row) for row in cursor.fetchall()]
    cursor.close()
    return found


def row(connection: Connection, statement: Any, values: Values) -> AnyRow | None:
    """The only row there can be, or None."""
    found = rows(connection, statement, values)
    return found[0] if found else None


def scalar(connection: Connection, statement: Any, values: Values) -> Any:
    """The first column of the only row there can be, or None."""
    found = rows(connection, statement, values)
    return found[0][0] if found else None
