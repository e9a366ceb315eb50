"""The tables that are no part of a user's state: the audit, what is on its way to the feed, who is connected, recordings."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

metadata = MetaData()

# SQLite numbers rows by itself only in a column that is called INTEGER.
SEQUENCE = BigInteger().with_variant(Integer, "sqlite")

audit = Table(
    "audit",
    metadata,
    Column("user_id", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    # What was done (`answer.completed`, `output.stored`, …), who asked for it, and what it touched.
    Column("action", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("conversation_id", Text),
    Column("generation_id", Text),
    Column("message_id", Text),
    Column("model", Text),
    Column("prompt_hash", Text),
    Column("output_hash", Text),
    Column("made", Text, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    PrimaryKeyConstraint("user_id", "number"),
)

# What remains of an erased chain. `life` counts from 0: a user may come back and be erased again.
tombstones = Table(
    "tombstones",
    metadata,
    Column("who", Text, nullable=False),
    Column("life", Integer, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("last", LargeBinary),
    Column("at", BigInteger, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    PrimaryKeyConstraint("who", "life"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("user_id", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    # Why NATS will never take it; such a row is kept to be looked at, and not sent again.
    Column("poison", Text),
    # The connection that wrote it, and sends it; empty where there is one process only.
    Column("writer", Text, nullable=False, server_default=""),
    Index("outbox_by_user", "user_id", "version"),
    sqlite_autoincrement=True,
)

gateways = Table(
    "gateways",
    metadata,
    Column("id", Text, primary_key=True),
    Column("last_report", BigInteger, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("gateway_id", Text, ForeignKey("gateways.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("device", Text),
    Column("connected_at", BigInteger, nullable=False),
)

_UNHEARD = text("status IN ('queued', 'running')")
IS_UNHEARD = text("transcripts.status IN ('queued', 'running')")

# Audio as text, or on the way to it. The audio itself is a blob of the same id, until it has been used.
transcripts = Table(
    "transcripts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("lease_until", Float, nullable=False),
    Column("ordered_at", Float, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("worker", Text),
    Column("url", Text),
    Column("language", Text),
    Column("engine", Text),
    Column("duration", Float),
    Column("text", Text),
    Column("segments", Text),
    Column("error", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index("transcripts_by_user", "user_id", "id"),
    Index("transcripts_by_end", "ended_at"),
    Index("transcripts_open", "user_id", sqlite_where=_UNHEARD, postgresql_where=_UNHEARD),
)
