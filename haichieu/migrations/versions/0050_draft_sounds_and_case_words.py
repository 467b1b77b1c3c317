"""Files of broadcast drafts that are being converted."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0048"
branch_labels = None
depends_on = None

TABLE = "draft_sounds"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        TABLE,
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("original_id", sa.Integer(), nullable=True),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("draft_id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(
            ["draft_id"],
            ["broadcast_drafts.id"],
            name=op.f(f"fk_{TABLE}_draft_id_broadcast_drafts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["original_id"], ["media.id"], name=op.f(f"fk_{TABLE}_original_id_media")),
    )
    op.create_index(f"ix_{TABLE}_original_id", TABLE, ["original_id"])


def downgrade() -> None:
    """Drop the table."""
    op.execute("DELETE FROM jobs WHERE kind = 'convert_draft'")
    op.drop_table(TABLE)
