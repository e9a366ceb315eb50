"""Everything that is kept of a user, row by row, as records for people and programs to read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic.alias_generators import to_camel
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    LargeBinary,
    Select,
    Table,
    bindparam,
    func,
    select,
)

from memory import machinery, tables, tool_tables
from memory.clock import moment
from memory.packing import whole
from memory.records.belonging import mine
from memory.records.prepared import AnyRow, rows, scalar

Record = dict[str, Any]
Key = int | str

PART = 32 * 1024
"""Characters of a text in one record. Escaped as JSON at worst that is 192 KiB, and a page must fit one NATS message."""

PACKED = "packed"
"""Of an archived message the compressed text."""

JSON_COLUMNS = frozenset(
    {
        "segments",
        "tags",
        "value",
        "usage",
        "error",
        "tool_calls",
        "actions",
        "attachments",
        "context_ids",
        "sampling",
        "demands",
        "made",
        "arguments",
        "result",
        "done",
    }
)


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows of one table as records of this type, in the order of `key`. `omit`: columns that only the machinery needs."""

    type: str
    table: Table
    key: str = "id"
    omit: frozenset[str] = frozenset()

    @property
    def columns(self) -> list[Column[Any]]:
        """What is read: everything else than the user, whom all of it belongs to."""
        return [column for column in self.table.columns if column.name not in self.omit | {"user_id"}]


_LEASES = frozenset(
    {
        "seq",
        "epoch",
        "lease_until",
        "ordered_at",
        "orders",
        "abandoned",
        "worker",
        "crowded",
        "rounds",
        "held_back",
        "reserved_tokens",
        "reserved_cost",
        "prompt_tokens",
    }
)
_SEQ = frozenset({"seq"})

KINDS: tuple[Kind, ...] = (
    Kind("account", tables.users, omit=frozenset({"audit_mac", "erasing"})),
    Kind("preferences", tables.preferences, key="user_id"),
    Kind("persona", tables.personas),
    Kind("conversation", tables.conversations, omit=frozenset({"archived_until", "title_ordered", "summary_ordered"})),
    Kind("message", tables.messages, key="seq", omit=_SEQ),
    Kind("note", tables.notes, key="seq", omit=_SEQ | {"excerpt"}),
    Kind("task", tables.tasks),
    Kind("pinnedMemory", tables.memories),
    Kind("plan", tables.plans, key="date"),
    Kind("calendarEvent", tables.calendar),
    Kind("trip", tables.trips),
    Kind("generation", tables.generations, key="seq", omit=_LEASES),
    Kind("round", tool_tables.rounds, key="seq", omit=_SEQ),
    Kind("toolCall", tool_tables.tool_calls, key="seq", omit=_SEQ | {"epoch"}),
    Kind("approval", tool_tables.approvals),
    Kind("usage", tool_tables.spending, key="seq", omit=_SEQ),
    Kind("transcript", machinery.transcripts, omit=_LEASES),
    Kind("audit", machinery.audit, key="number"),
    Kind("session", machinery.sessions),
)

LEFT_OUT = {
    "events": "the history of the same objects, for the feed",
    "outbox": "the same events on their way to the feed",
    "removed": "ids of what is gone",
    "idempotency": "answers that were given already, for a day",
    "departures": "there only while the account is being erased",
    "erasing": "there only while the account is being erased",
}
"""Tables with a user's rows that are not exported, and why."""


@cache
def _page(kind: Kind, first: bool) -> Select[Any]:
    key = kind.table.c[kind.key]
    query = select(*kind.columns, key.label("its_key")).where(mine(kind.table)).order_by(key).limit(bindparam("limit"))
    return query if first else query.where(key > bindparam("after"))


@cache
def _count(kind: Kind) -> Select[Any]:
    return select(func.count()).select_from(kind.table).where(mine(kind.table))


def count(connection: Connection, user: str) -> int:
    """How many rows there are to be exported."""
    return sum(scalar(connection, _count(kind), {"user": user}) for kind in KINDS)


def read(connection: Connection, kind: Kind, user: str, after: Key | None, limit: int) -> list[tuple[Key, list[Record]]]:
    """The next rows after this key: their keys, and each as a record with the parts of its long texts behind it."""
    found = rows(connection, _page(kind, after is None), {"user": user, "after": after, "limit": limit})
    return [(row.its_key, records(kind, row)) for row in found]


def records(kind: Kind, row: AnyRow) -> list[Record]:
    """The row as one record; a text that is too long for one is `null` in it, is counted in `inParts`, and follows as parts."""
    raw = {column: _whole(row, column.name) for column in kind.columns if column.name != PACKED}
    long = {column.name: value for column, value in raw.items() if isinstance(value, str) and len(value) > PART}
    values = {_name(kind, column.name): None if column.name in long else _value(column, value) for column, value in raw.items()}
    record: Record = {"type": kind.type, **values}
    if long:
        record["inParts"] = {_name(kind, name): -(-len(text) // PART) for name, text in long.items()}
    return [record, *(part for name, text in long.items() for part in _parts(kind, row, name, text))]


def _whole(row: AnyRow, column: str) -> Any:
    return whole(row.text, row.packed) if column == "text" and hasattr(row, PACKED) else getattr(row, column)


def _name(kind: Kind, column: str) -> str:
    """As in the API, but for the `type` of a pinned memory: every record's own is called so."""
    return f"{kind.type}Type" if column == "type" else to_camel(column)


def _parts(kind: Kind, row: AnyRow, name: str, text: str) -> Iterator[Record]:
    about = {"type": "part", "of": kind.type, "id": getattr(row, "id", row.its_key), "field": _name(kind, name)}
    for number, start in enumerate(range(0, len(text), PART), start=1):
        yield {**about, "number": number, "text": text[start : start + PART]}


def _value(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if column.name in JSON_COLUMNS:
        return json.loads(value)
    if isinstance(column.type, Boolean):
        return bool(value)
    if isinstance(column.type, LargeBinary):
        return bytes(value).hex()
    is_time = isinstance(column.type, BigInteger) and (column.name == "at" or column.name.endswith("_at"))
    return moment(value).isoformat().replace("+00:00", "Z") if is_time else value
