"""Drafts of broadcasts."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

REFERENCES = (("programme_id", "programmes"), ("sound_id", "media"), ("broadcast_id", "broadcasts"))


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "broadcast_drafts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("made_by", sa.String(260), nullable=False),
        sa.Column("created_at", haichieu.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("zone_codes", sa.JSON(), nullable=False),
        sa.Column("priority", sa.String(12), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=True) for name, _ in REFERENCES),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_broadcast_drafts_{name}_{table}"))
            for name, table in REFERENCES
        ),
    )
    for name in ("created_at", *(name for name, _ in REFERENCES)):
        op.create_index(f"ix_broadcast_drafts_{name}", "broadcast_drafts", [name])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("broadcast_drafts")
