"""The station's pronunciation dictionary."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "pronunciations",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("written", sa.String(100), nullable=False),
        sa.Column("said", sa.String(200), nullable=False),
        sa.UniqueConstraint("written", name=op.f("uq_pronunciations_written")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("pronunciations")
