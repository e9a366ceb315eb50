"""Rows of any table, made of its columns: a table that is added later is filled too."""

from sqlalchemy import BigInteger, Boolean, Float, Integer, LargeBinary, insert

from memory import machinery, tables
from memory.records.exporting import JSON_COLUMNS

DERIVED = {"departures", "erasing"}
"""Tables that say that something is being done to a user."""


def of_users():
    """Every table that has rows of users, those that others refer to first."""
    found = [table for table in machinery.metadata.sorted_tables if "user_id" in table.c or table is tables.users]
    return [table for table in found if table.name not in DERIVED]


def row(table, user, number, word):
    """A row of this user, with `word` in every text that a person could have written."""
    return {column.name: _value(column, user, number, word) for column in table.columns if not _is_made(column)}


def _is_made(column):
    """Numbers that the database gives, and what stands for a text when that is archived."""
    return column.name == "packed" or (column.name == "seq" and column.primary_key)


def _value(column, user, number, word):
    fixed = {
        "user_id": user,
        "id": user if column.table is tables.users else f"{column.table.name}-{user}-{number}",
        "conversation_id": f"conversations-{user}-{number}",
        "message_id": f"messages-{user}-{number}",
        "gateway_id": "gateway",
        "status": "completed",
        "kind": "note",
        "at": 1_700_000_000_000_000,
    }
    if column.name in fixed:
        return fixed[column.name]
    for key in column.foreign_keys:
        return f"{key.column.table.name}-{user}-{number}"
    if column.name in JSON_COLUMNS:
        return f'["{word}"]'
    if isinstance(column.type, Boolean):
        return False
    if isinstance(column.type, (BigInteger, Integer, Float)):
        return 1_700_000_000_000_000 + number if column.name.endswith("_at") else number
    if isinstance(column.type, LargeBinary):
        return b"link" if column.table is tables.users or column.table is machinery.audit else word.encode()
    return f"{word} {column.name} {number}"


def fill(connection, user, word, count=3):
    """So many rows of this user in every table."""
    gateway = machinery.gateways
    if connection.execute(gateway.select().where(gateway.c.id == "gateway")).first() is None:
        connection.execute(insert(gateway), {"id": "gateway", "last_report": 1})
    for table in of_users():
        for number in range(1, 2 if table in (tables.users, tables.preferences) else count + 1):
            connection.execute(insert(table), row(table, user, number, word))
