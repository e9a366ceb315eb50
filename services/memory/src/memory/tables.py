"""The tables. Times are microseconds since 1970 in UTC; leases and orders are seconds of a clock that never jumps."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
    text,
)

from memory.machinery import SEQUENCE, metadata
from memory.tool_tables import approvals, rounds, tool_calls

APPLICATION_ID = 0x436F6C6C
"""`Coll`, in the header of the file: this database is ours."""

# Written out, not bound: SQLite uses a partial index only when the query says the same with constants.
_OPEN = text("status IN ('queued', 'running', 'waiting')")
_RUNNING = text("status = 'running'")
IS_OPEN = text("generations.status IN ('queued', 'running', 'waiting')")
IS_TEMPORARY = text("conversations.temporary")
IS_DUE = text("status = 'open'")

OF_TOOLS = approvals, tool_calls, rounds
"""Tables of their own, of how an answer came about."""

installation = Table(
    "installation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    # The highest version that an erased user had; new users begin above it, so that no version means two states.
    Column("version_floor", BigInteger, nullable=False, server_default="0"),
    # Microseconds between the clock of a database server and the ticks of leases: it takes up what that clock jumps (F33).
    Column("clock_shift", BigInteger, nullable=False, server_default="0"),
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    # Of what was removed up to this version nothing is known any more.
    Column("forgotten", BigInteger, nullable=False, server_default="0"),
    # The moment of the newest version. Clocks jump, and this one only grows, with every version.
    Column("latest", BigInteger, nullable=False, server_default="0"),
    # Length and newest link of this user's audit chain, and how much of it the newest anchor holds.
    Column("audit_count", BigInteger, nullable=False, server_default="0"),
    Column("audit_mac", LargeBinary),
    Column("audit_anchored", BigInteger, nullable=False, server_default="0"),
    # Being erased: nothing new is taken until that is done.
    Column("erasing", Boolean, nullable=False, server_default=false()),
)

# Whoever is being erased: a row is there from the request until nothing can be written late any more.
departures = Table(
    "departures",
    metadata,
    Column("user_id", Text, primary_key=True),
    # `rows`: under way; `late`: all is gone but what a worker may still have added since, in these conversations (JSON).
    Column("step", Text, nullable=False),
    Column("conversations", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("title", Text),
    # Who made the title: `text` (cut from the first message), `model`, `user`.
    Column("title_by", Text),
    Column("persona", Text),
    Column("temporary", Boolean, nullable=False),
    Column("head_id", Text),
    # What was said up to and with the message `summary_until`, in short.
    Column("summary", Text),
    Column("summary_until", Text),
    # Up to this row of `messages` all have been looked at by the archive.
    Column("archived_until", BigInteger, nullable=False, server_default="0"),
    Column("title_ordered", BigInteger),
    Column("summary_ordered", BigInteger),
    # The user's version of the last change: lists are ordered by it, because clocks jump and versions don't (F33).
    Column("changed", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("conversations_by_change", "user_id", "changed"),
    Index("conversations_temporary", "updated_at", sqlite_where=text("temporary"), postgresql_where=text("temporary")),
)

messages = Table(
    "messages",
    metadata,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("conversation_id", Text, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", Text, nullable=False),
    Column("parent_id", Text),
    Column("role", Text, nullable=False),
    Column("text", Text, nullable=False),
    # Of an archived message the compressed text; `text` is empty then (see `packing.py`).
    Column("packed", LargeBinary),
    Column("status", Text, nullable=False),
    Column("generation_id", Text),
    Column("model", Text),
    Column("usage", Text),
    Column("finish_reason", Text),
    Column("error", Text),
    Column("tool_calls", Text),
    Column("tool_call_id", Text),
    Column("name", Text),
    Column("actions", Text),
    Column("attachments", Text),
    Column("channel", Text),
    Column("client_message_id", Text),
    Column("context_ids", Text),
    Column("intent", Text),
    # The user's version of the last change.
    Column("changed", BigInteger, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
    Index("messages_by_change", "user_id", "changed"),
    Index("messages_by_conversation", "conversation_id", "seq"),
    Index("messages_by_user", "user_id", "seq"),
    sqlite_autoincrement=True,
)

generations = Table(
    "generations",
    metadata,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("conversation_id", Text, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", Text, nullable=False),
    Column("user_message_id", Text, nullable=False),
    Column("answer_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("lease_until", Float, nullable=False),
    Column("ordered_at", Float, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("stop_requested", Boolean, nullable=False),
    Column("abandoned", Text),
    Column("worker", Text),
    Column("model", Text),
    Column("persona", Text),
    Column("language", Text),
    Column("sampling", Text, nullable=False),
    # The client's own tools and the format it wants, in JSON (see `demands.py`).
    Column("demands", Text),
    # Its prompt took so much of the budget that the conversation needs a summary.
    Column("crowded", Boolean, nullable=False, server_default=false()),
    # How many rounds of it are kept: of most there are none, and nothing has to be looked for.
    Column("rounds", Integer, nullable=False, server_default="0"),
    # What of its user's budget is reserved for it (see `budget.py`), and about how long its prompt is.
    Column("reserved_tokens", BigInteger, nullable=False, server_default="0"),
    Column("reserved_cost", BigInteger, nullable=False, server_default="0"),
    Column("prompt_tokens", BigInteger, nullable=False, server_default="0"),
    # Not ordered, because as many of its user's answers are under way as may be.
    Column("held_back", Boolean, nullable=False, server_default=false()),
    Column("prompt_hash", Text),
    Column("output_hash", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index("generations_running", "conversation_id", unique=True, sqlite_where=_RUNNING, postgresql_where=_RUNNING),
    Index("generations_open", "user_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("generations_waiting", "conversation_id", "seq", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("generations_by_conversation", "conversation_id", "seq"),
    Index("generations_by_question", "user_message_id", "seq"),
    sqlite_autoincrement=True,
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("user_id", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("user_id", "route", "key"),
    Index("idempotency_by_age", "created_at"),
)

events = Table(
    "events",
    metadata,
    Column("user_id", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    Column("conversation_id", Text),
    Column("type", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("user_id", "version", "position"),
    Index("events_by_age", "at"),
)

removed = Table(
    "removed",
    metadata,
    Column("user_id", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("user_id", "version", "kind", "object_id"),
    Index("removed_by_age", "at"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("due", Text),
    Column("tags", Text, nullable=False),
    Column("assignee", Text),
    Column("generation_id", Text),
    Column("changed", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("completed_at", BigInteger),
    Index("tasks_by_change", "user_id", "changed"),
    Index("tasks_by_user", "user_id", "id"),
    Index("tasks_open", "user_id", sqlite_where=IS_DUE, postgresql_where=IS_DUE),
)

notes = Table(
    "notes",
    metadata,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("user_id", Text, nullable=False),
    Column("title", Text),
    # The beginning of a long text. Before it, because SQLite walks through all of a row up to what it needs.
    Column("excerpt", Text),
    Column("text", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("generation_id", Text),
    Column("changed", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("notes_by_change", "user_id", "changed"),
    Index("notes_by_user", "user_id", "id"),
    sqlite_autoincrement=True,
)

memories = Table(
    "memories",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("generation_id", Text),
    Column("changed", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("memories_by_key", "user_id", "type", "key", unique=True),
    Index("memories_by_change", "user_id", "changed"),
)

preferences = Table(
    "preferences",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

plans = Table(
    "plans",
    metadata,
    Column("user_id", Text, nullable=False),
    Column("date", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("user_id", "date"),
    Index("plans_by_change", "user_id", "changed"),
)

calendar = Table(
    "calendar",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    # "end" is a word of SQL.
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("description", Text),
    Column("location", Text),
    Column("kind", Text, nullable=False),
    Column("warm_only", Boolean, nullable=False),
    Column("destination", Text),
    Column("source_event_id", Text),
    Column("external_id", Text),
    Column("generation_id", Text),
    Column("changed", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("calendar_by_start", "user_id", "starts_at"),
    Index("calendar_by_change", "user_id", "changed"),
    Index("calendar_by_source", "user_id", "source_event_id"),
    Index("calendar_by_external_id", "user_id", "external_id", unique=True),
)

trips = Table(
    "trips",
    metadata,
    Column("user_id", Text, nullable=False),
    # Of the workflow that found its flights; callers may choose ids, so that two users may have the same.
    Column("id", Text, nullable=False),
    Column("travel_event_id", Text),
    Column("departure_date", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("user_id", "id"),
    Index("trips_by_change", "user_id", "changed"),
    Index("trips_by_day", "user_id", "departure_date"),
)

personas = Table(
    "personas",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("system_prompt", Text, nullable=False),
    Column("greeting", Text),
    Column("model", Text),
    Column("temperature", Float),
    Column("changed", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("personas_by_change", "user_id", "changed"),
)
