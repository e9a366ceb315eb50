"""Transcripts of what was said."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_OPEN = sa.text("status IN ('queued', 'running')")


def upgrade() -> None:
    op.create_table("transcripts",
    sa.Column("id", sa.Text(), nullable=False),
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("origin", sa.Text(), nullable=False),
    sa.Column("status", sa.Text(), nullable=False),
    sa.Column("epoch", sa.Integer(), nullable=False),
    sa.Column("lease_until", sa.Float(), nullable=False),
    sa.Column("ordered_at", sa.Float(), nullable=False),
    sa.Column("orders", sa.Integer(), nullable=False),
    sa.Column("worker", sa.Text(), nullable=True),
    sa.Column("url", sa.Text(), nullable=True),
    sa.Column("language", sa.Text(), nullable=True),
    sa.Column("engine", sa.Text(), nullable=True),
    sa.Column("duration", sa.Float(), nullable=True),
    sa.Column("text", sa.Text(), nullable=True),
    sa.Column("segments", sa.Text(), nullable=True),
    sa.Column("error", sa.Text(), nullable=True),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("ended_at", sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint("id")
    )
    op.create_index("transcripts_by_user", "transcripts", ["user_id", "id"], unique=False)
    op.create_index("transcripts_by_end", "transcripts", ["ended_at"], unique=False)
    op.create_index("transcripts_open", "transcripts", ["user_id"], unique=False, sqlite_where=_OPEN, postgresql_where=_OPEN)
