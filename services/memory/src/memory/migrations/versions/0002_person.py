"""A person's state: tasks, notes, pinned memories, preferences, plans, calendar, personas; what was removed; the audit."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table("audit",
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("number", sa.BigInteger(), nullable=False),
    sa.Column("at", sa.BigInteger(), nullable=False),
    sa.Column("action", sa.Text(), nullable=False),
    sa.Column("asked_by", sa.Text(), nullable=False),
    sa.Column("conversation_id", sa.Text(), nullable=True),
    sa.Column("generation_id", sa.Text(), nullable=True),
    sa.Column("message_id", sa.Text(), nullable=True),
    sa.Column("model", sa.Text(), nullable=True),
    sa.Column("prompt_hash", sa.Text(), nullable=True),
    sa.Column("output_hash", sa.Text(), nullable=True),
    sa.Column("made", sa.Text(), nullable=False),
    sa.Column("previous", sa.LargeBinary(), nullable=False),
    sa.Column("mac", sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint("user_id", "number")
    )
    op.create_table("tombstones",
    sa.Column("who", sa.Text(), nullable=False),
    sa.Column("life", sa.Integer(), nullable=False),
    sa.Column("rows", sa.BigInteger(), nullable=False),
    sa.Column("last", sa.LargeBinary(), nullable=True),
    sa.Column("at", sa.BigInteger(), nullable=False),
    sa.Column("mac", sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint("who", "life")
    )
    op.create_table("calendar",
    sa.Column("id", sa.Text(), nullable=False),
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("title", sa.Text(), nullable=False),
    sa.Column("starts_at", sa.BigInteger(), nullable=False),
    sa.Column("ends_at", sa.BigInteger(), nullable=False),
    sa.Column("description", sa.Text(), nullable=True),
    sa.Column("location", sa.Text(), nullable=True),
    sa.Column("kind", sa.Text(), nullable=False),
    sa.Column("warm_only", sa.Boolean(), nullable=False),
    sa.Column("destination", sa.Text(), nullable=True),
    sa.Column("source_event_id", sa.Text(), nullable=True),
    sa.Column("external_id", sa.Text(), nullable=True),
    sa.Column("generation_id", sa.Text(), nullable=True),
    sa.Column("changed", sa.BigInteger(), nullable=False),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("updated_at", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("id")
    )
    op.create_index("calendar_by_change", "calendar", ["user_id", "changed"], unique=False)
    op.create_index("calendar_by_external_id", "calendar", ["user_id", "external_id"], unique=True)
    op.create_index("calendar_by_source", "calendar", ["user_id", "source_event_id"], unique=False)
    op.create_index("calendar_by_start", "calendar", ["user_id", "starts_at"], unique=False)
    op.create_table("memories",
    sa.Column("id", sa.Text(), nullable=False),
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("type", sa.Text(), nullable=False),
    sa.Column("key", sa.Text(), nullable=False),
    sa.Column("value", sa.Text(), nullable=False),
    sa.Column("generation_id", sa.Text(), nullable=True),
    sa.Column("changed", sa.BigInteger(), nullable=False),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("updated_at", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("id")
    )
    op.create_index("memories_by_change", "memories", ["user_id", "changed"], unique=False)
    op.create_index("memories_by_key", "memories", ["user_id", "type", "key"], unique=True)
    op.create_table("notes",
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
    sa.Column("id", sa.Text(), nullable=False),
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("title", sa.Text(), nullable=True),
    sa.Column("excerpt", sa.Text(), nullable=True),
    sa.Column("text", sa.Text(), nullable=False),
    sa.Column("kind", sa.Text(), nullable=False),
    sa.Column("tags", sa.Text(), nullable=False),
    sa.Column("size", sa.BigInteger(), nullable=False),
    sa.Column("generation_id", sa.Text(), nullable=True),
    sa.Column("changed", sa.BigInteger(), nullable=False),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("updated_at", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("seq"),
    sa.UniqueConstraint("id"),
    sqlite_autoincrement=True
    )
    op.create_index("notes_by_change", "notes", ["user_id", "changed"], unique=False)
    op.create_index("notes_by_user", "notes", ["user_id", "id"], unique=False)
    op.create_table("personas",
    sa.Column("id", sa.Text(), nullable=False),
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("name", sa.Text(), nullable=False),
    sa.Column("description", sa.Text(), nullable=False),
    sa.Column("system_prompt", sa.Text(), nullable=False),
    sa.Column("greeting", sa.Text(), nullable=True),
    sa.Column("model", sa.Text(), nullable=True),
    sa.Column("temperature", sa.Float(), nullable=True),
    sa.Column("changed", sa.BigInteger(), nullable=False),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("updated_at", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("id")
    )
    op.create_index("personas_by_change", "personas", ["user_id", "changed"], unique=False)
    op.create_table("plans",
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("date", sa.Text(), nullable=False),
    sa.Column("value", sa.Text(), nullable=False),
    sa.Column("changed", sa.BigInteger(), nullable=False),
    sa.Column("updated_at", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("user_id", "date")
    )
    op.create_index("plans_by_change", "plans", ["user_id", "changed"], unique=False)
    op.create_table("preferences",
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("value", sa.Text(), nullable=False),
    sa.Column("changed", sa.BigInteger(), nullable=False),
    sa.Column("updated_at", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("user_id")
    )
    op.create_table("removed",
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("version", sa.BigInteger(), nullable=False),
    sa.Column("kind", sa.Text(), nullable=False),
    sa.Column("object_id", sa.Text(), nullable=False),
    sa.Column("at", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("user_id", "version", "kind", "object_id")
    )
    op.create_index("removed_by_age", "removed", ["at"], unique=False)
    op.create_table("tasks",
    sa.Column("id", sa.Text(), nullable=False),
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("title", sa.Text(), nullable=False),
    sa.Column("status", sa.Text(), nullable=False),
    sa.Column("due", sa.Text(), nullable=True),
    sa.Column("tags", sa.Text(), nullable=False),
    sa.Column("assignee", sa.Text(), nullable=True),
    sa.Column("generation_id", sa.Text(), nullable=True),
    sa.Column("changed", sa.BigInteger(), nullable=False),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("updated_at", sa.BigInteger(), nullable=False),
    sa.Column("completed_at", sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint("id")
    )
    op.create_index("tasks_by_change", "tasks", ["user_id", "changed"], unique=False)
    op.create_index("tasks_by_user", "tasks", ["user_id", "id"], unique=False)
    op.create_index("tasks_open", "tasks", ["user_id"], unique=False, sqlite_where=sa.text("status = 'open'"), postgresql_where=sa.text("status = 'open'"))
    op.create_table("departures",
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("step", sa.Text(), nullable=False),
    sa.Column("conversations", sa.Text(), nullable=False),
    sa.Column("asked_at", sa.BigInteger(), nullable=False),
    sa.Column("due", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("user_id")
    )
    op.add_column("installation", sa.Column("version_floor", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("users", sa.Column("erasing", sa.Boolean(), server_default=sa.false(), nullable=False))
    _guard_audit(op.get_bind().dialect.name)
    op.add_column("conversations", sa.Column("title_by", sa.Text(), nullable=True))
    op.add_column("conversations", sa.Column("summary", sa.Text(), nullable=True))
    op.add_column("conversations", sa.Column("summary_until", sa.Text(), nullable=True))
    op.add_column("conversations", sa.Column("title_ordered", sa.BigInteger(), nullable=True))
    op.add_column("conversations", sa.Column("summary_ordered", sa.BigInteger(), nullable=True))
    op.add_column("generations", sa.Column("crowded", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("events", sa.Column("at", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index("events_by_age", "events", ["at"], unique=False)
    op.add_column("messages", sa.Column("actions", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("changed", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index("messages_by_change", "messages", ["user_id", "changed"], unique=False)
    op.add_column("outbox", sa.Column("writer", sa.Text(), server_default="", nullable=False))
    op.create_index("outbox_by_user", "outbox", ["user_id", "version"], unique=False)
    op.add_column("installation", sa.Column("clock_shift", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("users", sa.Column("forgotten", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("users", sa.Column("latest", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("users", sa.Column("audit_count", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("users", sa.Column("audit_mac", sa.LargeBinary(), nullable=True))
    op.add_column("users", sa.Column("audit_anchored", sa.BigInteger(), server_default="0", nullable=False))
    # Of what was removed before, nobody kept a word.
    op.execute("UPDATE users SET forgotten = version")


def _guard_audit(dialect: str) -> None:
    """The audit only grows (S17). What is erased lawfully is named in `departures` until it is gone."""
    if dialect == "sqlite":
        op.execute(
            "CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END"
        )
        op.execute(
            "CREATE TRIGGER audit_stays BEFORE DELETE ON audit WHEN NOT EXISTS (SELECT 1 FROM departures"
            " WHERE departures.user_id = OLD.user_id) BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF TG_OP = 'DELETE' AND EXISTS (SELECT 1 FROM departures WHERE departures.user_id = OLD.user_id) THEN RETURN OLD; END IF;"
        " RAISE EXCEPTION 'the audit only grows'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_only_grows()"
    )
