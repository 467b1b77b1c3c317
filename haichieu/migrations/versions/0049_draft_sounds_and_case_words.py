"""Files of broadcast drafts that are being converted; on SQLite, an index of the words of cases."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

TABLE = "draft_sounds"
WORDS = "ix_cases_opened_at_search_text"


def upgrade() -> None:
    """Create the table and the index."""
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
    if op.get_bind().dialect.name == "sqlite":
        op.create_index(WORDS, "cases", ["opened_at", "id", "search_text"])


def downgrade() -> None:
    """Drop the table and the index."""
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index(WORDS, "cases")
    op.execute("DELETE FROM jobs WHERE kind = 'convert_draft'")
    op.drop_table(TABLE)
