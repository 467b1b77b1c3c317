"""texts that were received, by the digest of their id, and until when a provider's list of them is filed."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "received_texts",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", haichieu.database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_received_texts")),
    )
    op.create_index("ix_received_texts_received_at", "received_texts", ["received_at"], unique=False)
    op.create_table(
        "text_lines",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("listed_until", haichieu.database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_text_lines")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("text_lines")
    op.drop_table("received_texts")
