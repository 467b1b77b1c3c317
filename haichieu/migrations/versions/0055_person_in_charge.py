"""The person in charge of a repair."""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, empty."""
    op.add_column("repairs", sa.Column("in_charge", sa.String(200), server_default="", nullable=False))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("repairs", "in_charge")
