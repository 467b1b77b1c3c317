"""broadcasts found by the moment that they are filed under."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("ix_broadcasts_filed_at", "broadcasts", [sa.text("coalesce(on_air_at, due_at, created_at)")])


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_broadcasts_filed_at", table_name="broadcasts")
