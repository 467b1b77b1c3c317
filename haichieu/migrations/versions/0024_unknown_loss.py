"""Packet loss that a speaker never reported is unknown, not zero."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Allow NULL, and clear what is not known.

    Whether a speaker without losses had reported was not stored, and the stored jitter was the station's own.
    """
    with op.batch_alter_table("deliveries") as table:
        table.alter_column("packets_lost", existing_type=sa.Integer(), nullable=True)
    op.execute("UPDATE deliveries SET packets_lost = NULL WHERE packets_lost = 0")
    op.execute("UPDATE deliveries SET jitter_ms = NULL")


def downgrade() -> None:
    """Store unknown losses as zero."""
    op.execute("UPDATE deliveries SET packets_lost = 0 WHERE packets_lost IS NULL")
    with op.batch_alter_table("deliveries") as table:
        table.alter_column("packets_lost", existing_type=sa.Integer(), nullable=False)
