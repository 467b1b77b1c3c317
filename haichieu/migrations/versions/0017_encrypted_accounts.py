"""Speakers and phones that demand encryption."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    for table in ("speakers", "phones"):
        op.add_column(table, sa.Column("encrypted", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Drop the columns."""
    for table in ("speakers", "phones"):
        op.drop_column(table, "encrypted")
