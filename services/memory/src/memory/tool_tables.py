"""The tables of tools and budgets: what an answer has called, what a person was asked about it, and what it all costs."""

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, Table, Text, text

from memory.machinery import SEQUENCE, metadata

# Written out, not bound: SQLite uses a partial index only when the query says the same with constants.
_ASKED = text("status = 'waiting'")
IS_ASKED = text("approvals.status = 'waiting'")

# What a model said in an answer before it waited for tools; rounds count from 0.
rounds = Table(
    "rounds",
    metadata,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("generation_id", Text, ForeignKey("generations.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("model", Text),
    Column("usage", Text),
    Column("created_at", BigInteger, nullable=False),
    Index("rounds_by_generation", "generation_id", "number", unique=True),
    Index("rounds_by_user", "user_id"),
    Index("rounds_by_age", "created_at"),
    sqlite_autoincrement=True,
)

tool_calls = Table(
    "tool_calls",
    metadata,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("generation_id", Text, ForeignKey("generations.id", ondelete="CASCADE"), nullable=False),
    # The model's own id of the call.
    Column("call_id", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("idempotent", Boolean, nullable=False),
    Column("approval_id", Text),
    # The attempt that has begun it.
    Column("epoch", Integer),
    Column("result", Text),
    Column("error", Text),
    # What it did of memory's own actions.
    Column("done", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index("tool_calls_by_generation", "generation_id", "call_id", unique=True),
    Index("tool_calls_by_user", "user_id"),
    sqlite_autoincrement=True,
)

# The leave to make one call with exactly these arguments.
approvals = Table(
    "approvals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("generation_id", Text, ForeignKey("generations.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", Text, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("arguments_hash", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("decided_at", BigInteger),
    Index("approvals_by_generation", "generation_id"),
    Index("approvals_by_user", "user_id"),
    Index("approvals_waiting", "user_id", "created_at", sqlite_where=_ASKED, postgresql_where=_ASKED),
    Index("approvals_due", "expires_at", sqlite_where=_ASKED, postgresql_where=_ASKED),
)

# What each model costs: USD per million tokens.
rates = Table(
    "rates",
    metadata,
    Column("model", Text, primary_key=True),
    Column("prompt_price", Float, nullable=False),
    Column("completion_price", Float, nullable=False),
    Column("max_output_tokens", Integer),
    Column("by_default", Boolean, nullable=False),
)

# What a user has spent on a day in UTC; `cost` is nano-USD.
spending = Table(
    "spending",
    metadata,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("user_id", Text, nullable=False),
    Column("date", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("answers", BigInteger, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False),
    Index("spending_by_day", "user_id", "date", "model", unique=True),
    Index("spending_by_age", "date"),
    sqlite_autoincrement=True,
)
