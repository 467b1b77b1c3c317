"""Likely duplicates without the folded words that they share: a page finds these in the texts."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the words."""
    with op.batch_alter_table("case_links") as table:
        table.drop_column("because")


def downgrade() -> None:
    """Add the column again, empty."""
    with op.batch_alter_table("case_links") as table:
        table.add_column(sa.Column("because", sa.String(200), nullable=False, server_default=""))
