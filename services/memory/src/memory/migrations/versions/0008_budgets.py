"""Budgets: prices, what was spent, what open answers have reserved; answers that are held back for others of their user."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table("rates",
    sa.Column("model", sa.Text(), nullable=False),
    sa.Column("prompt_price", sa.Float(), nullable=False),
    sa.Column("completion_price", sa.Float(), nullable=False),
    sa.Column("max_output_tokens", sa.Integer(), nullable=True),
    sa.Column("by_default", sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint("model")
    )
    op.create_table("spending",
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("date", sa.Text(), nullable=False),
    sa.Column("model", sa.Text(), nullable=False),
    sa.Column("answers", sa.BigInteger(), nullable=False),
    sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
    sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
    sa.Column("cost", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("seq"),
    sqlite_autoincrement=True
    )
    op.create_index("spending_by_age", "spending", ["date"], unique=False)
    op.create_index("spending_by_day", "spending", ["user_id", "date", "model"], unique=True)
    op.add_column("generations", sa.Column("reserved_tokens", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("generations", sa.Column("reserved_cost", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("generations", sa.Column("prompt_tokens", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("generations", sa.Column("held_back", sa.Boolean(), server_default=sa.false(), nullable=False))
