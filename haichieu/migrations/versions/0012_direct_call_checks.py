"""checks of speakers for direct calls."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "direct_call_checks",
        sa.Column("speaker_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=60), nullable=False),
        sa.Column("result", sa.String(length=10), nullable=False),
        sa.Column("checked_at", haichieu.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["speaker_id"],
            ["speakers.id"],
            name=op.f("fk_direct_call_checks_speaker_id_speakers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("speaker_id", name=op.f("pk_direct_call_checks")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("direct_call_checks")
