"""Authorities of carriers' TLS certificates, and the addresses behind their names."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("trunks", sa.Column("ca_certificate", sa.Text(), nullable=False, server_default=""))
    op.add_column("trunks", sa.Column("found", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))


def downgrade() -> None:
    """Drop the columns."""
    for name in ("found", "ca_certificate"):
        op.drop_column("trunks", name)
