"""Tools: rounds of an answer, the calls in them, approvals; a generation may wait for somebody to decide."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_ASKED = sa.text("status = 'waiting'")
_OPEN = sa.text("status IN ('queued', 'running', 'waiting')")


def upgrade() -> None:
    op.drop_index("generations_open", "generations")
    op.drop_index("generations_waiting", "generations")
    op.create_index("generations_open", "generations", ["user_id"], unique=False, sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index(
        "generations_waiting", "generations", ["conversation_id", "seq"], unique=False, sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_table("approvals",
    sa.Column("id", sa.Text(), nullable=False),
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("conversation_id", sa.Text(), nullable=False),
    sa.Column("generation_id", sa.Text(), nullable=False),
    sa.Column("message_id", sa.Text(), nullable=False),
    sa.Column("call_id", sa.Text(), nullable=False),
    sa.Column("name", sa.Text(), nullable=False),
    sa.Column("arguments", sa.Text(), nullable=False),
    sa.Column("arguments_hash", sa.Text(), nullable=False),
    sa.Column("status", sa.Text(), nullable=False),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("expires_at", sa.BigInteger(), nullable=False),
    sa.Column("decided_at", sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(["generation_id"], ["generations.id"], ondelete="CASCADE"),
    sa.PrimaryKeyConstraint("id")
    )
    op.create_index("approvals_by_generation", "approvals", ["generation_id"], unique=False)
    op.create_index("approvals_by_user", "approvals", ["user_id"], unique=False)
    op.create_index("approvals_due", "approvals", ["expires_at"], unique=False, sqlite_where=_ASKED, postgresql_where=_ASKED)
    op.create_index("approvals_waiting", "approvals", ["user_id", "created_at"], unique=False, sqlite_where=_ASKED, postgresql_where=_ASKED)
    op.create_table("rounds",
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
    sa.Column("generation_id", sa.Text(), nullable=False),
    sa.Column("number", sa.Integer(), nullable=False),
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("text", sa.Text(), nullable=False),
    sa.Column("model", sa.Text(), nullable=True),
    sa.Column("usage", sa.Text(), nullable=True),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(["generation_id"], ["generations.id"], ondelete="CASCADE"),
    sa.PrimaryKeyConstraint("seq"),
    sqlite_autoincrement=True
    )
    op.create_index("rounds_by_age", "rounds", ["created_at"], unique=False)
    op.create_index("rounds_by_generation", "rounds", ["generation_id", "number"], unique=True)
    op.create_index("rounds_by_user", "rounds", ["user_id"], unique=False)
    op.create_table("tool_calls",
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
    sa.Column("generation_id", sa.Text(), nullable=False),
    sa.Column("call_id", sa.Text(), nullable=False),
    sa.Column("round", sa.Integer(), nullable=False),
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("name", sa.Text(), nullable=False),
    sa.Column("arguments", sa.Text(), nullable=False),
    sa.Column("status", sa.Text(), nullable=False),
    sa.Column("idempotent", sa.Boolean(), nullable=False),
    sa.Column("approval_id", sa.Text(), nullable=True),
    sa.Column("epoch", sa.Integer(), nullable=True),
    sa.Column("result", sa.Text(), nullable=True),
    sa.Column("error", sa.Text(), nullable=True),
    sa.Column("done", sa.Text(), nullable=True),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("ended_at", sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(["generation_id"], ["generations.id"], ondelete="CASCADE"),
    sa.PrimaryKeyConstraint("seq"),
    sqlite_autoincrement=True
    )
    op.create_index("tool_calls_by_generation", "tool_calls", ["generation_id", "call_id"], unique=True)
    op.create_index("tool_calls_by_user", "tool_calls", ["user_id"], unique=False)
    op.add_column("generations", sa.Column("rounds", sa.Integer(), server_default="0", nullable=False))
