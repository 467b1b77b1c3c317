"""Broadcasts that several nodes share."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

MOMENT = haichieu.database.UtcDateTime(timezone=True)


def upgrade() -> None:
    """Add the parts, and what each node serves."""
    op.add_column("broadcasts", sa.Column("starts_at", MOMENT))
    op.add_column("deliveries", sa.Column("node", sa.String(60), nullable=False, server_default=""))
    op.create_table(
        "broadcast_parts",
        sa.Column("broadcast_id", sa.Integer(), nullable=False),
        sa.Column("node", sa.String(60), nullable=False),
        sa.Column("begun_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.ForeignKeyConstraint(
            ["broadcast_id"],
            ["broadcasts.id"],
            name=op.f("fk_broadcast_parts_broadcast_id_broadcasts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("broadcast_id", "node", name=op.f("pk_broadcast_parts")),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("broadcast_parts")
    op.drop_column("deliveries", "node")
    op.drop_column("broadcasts", "starts_at")
