"""What clients demand of an answer, and results of their tools as messages."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("generations", sa.Column("demands", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("tool_call_id", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("name", sa.Text(), nullable=True))
