"""Nodes that share a database, heartbeats of each, and the digest of wide-band sounds."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

MOMENT = haichieu.database.UtcDateTime(timezone=True)


def upgrade() -> None:
    """Create the table, and make room for the heartbeats of several nodes: the old ones are seconds old."""
    op.create_table(
        "nodes",
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("address", sa.String(200), nullable=False),
        sa.Column("sip", sa.String(200), nullable=False),
        sa.Column("version", sa.String(20), nullable=False),
        sa.Column("revision", sa.String(40), nullable=False),
        sa.Column("clock_offset", sa.Float()),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("left_at", MOMENT),
    )
    _heartbeats("node", "component")
    op.add_column("media", sa.Column("wideband_sha256", sa.String(64), nullable=False, server_default=""))
    op.add_column("media", sa.Column("wideband_bytes", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("media", "wideband_bytes")
    op.drop_column("media", "wideband_sha256")
    _heartbeats("component")
    op.drop_table("nodes")


def _heartbeats(*key: str) -> None:
    op.drop_table("heartbeats")
    op.create_table(
        "heartbeats",
        *([sa.Column("node", sa.String(60), nullable=False)] if "node" in key else []),
        sa.Column("component", sa.String(40), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_heartbeats")),
    )
