"""Calls to speakers before a broadcast begins: the switch, and how long each took to answer."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("speakers", sa.Column("dial_ahead", sa.Boolean()))
    op.add_column("speakers", sa.Column("answered_in", sa.Float()))


def downgrade() -> None:
    """Drop the columns."""
    op.drop_column("speakers", "answered_in")
    op.drop_column("speakers", "dial_ahead")
