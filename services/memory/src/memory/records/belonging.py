"""Which rows are a user's: every table with a `user_id`, and the few that say it otherwise."""

from sqlalchemy import ColumnElement, Table, bindparam, select

from memory.tables import conversations, generations, users


def mine(table: Table) -> ColumnElement[bool]:
    """The rows of `:user` in this table."""
    if table is users:
        return users.c.id == bindparam("user")
    if table is generations:
        # There is no index by user of these, and many of others.
        ours = select(conversations.c.id).where(conversations.c.user_id == bindparam("user"))
        return generations.c.conversation_id.in_(ours)
    return table.c.user_id == bindparam("user")
