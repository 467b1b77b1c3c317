"""Settings of trunks that carriers require, and the state of each trunk."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

COLUMNS = (
    ("hosts", sa.JSON(), sa.text("'[]'")),
    ("transport", sa.String(3), "udp"),
    ("proxy", sa.String(253), ""),
    ("domain", sa.String(253), ""),
    ("caller_number", sa.String(32), ""),
    ("withhold_number", sa.Boolean(), sa.false()),
    ("state", sa.String(20), ""),
)


def upgrade() -> None:
    """Add the columns."""
    for name, kind, default in COLUMNS:
        op.add_column("trunks", sa.Column(name, kind, nullable=False, server_default=default))
    op.add_column("trunks", sa.Column("state_since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Drop the columns."""
    for name in (*(name for name, _, _ in COLUMNS), "state_since"):
        op.drop_column("trunks", name)
