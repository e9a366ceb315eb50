"""Trips: flights that were found, and what was chosen."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table("trips",
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("id", sa.Text(), nullable=False),
    sa.Column("travel_event_id", sa.Text(), nullable=True),
    sa.Column("departure_date", sa.Text(), nullable=False),
    sa.Column("status", sa.Text(), nullable=False),
    sa.Column("value", sa.Text(), nullable=False),
    sa.Column("changed", sa.BigInteger(), nullable=False),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("updated_at", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("user_id", "id")
    )
    op.create_index("trips_by_change", "trips", ["user_id", "changed"], unique=False)
    op.create_index("trips_by_day", "trips", ["user_id", "departure_date"], unique=False)
