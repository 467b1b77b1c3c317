"""calls and texts that the station placed by itself, counted per day and kind."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "outgoing_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("use", sa.String(length=20), nullable=False),
        sa.Column("placed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "use", name=op.f("pk_outgoing_days")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("outgoing_days")
