"""The station's templates for answers, and test calls of the first run."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "answer_templates",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("code", sa.String(4), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.UniqueConstraint("code", name=op.f("uq_answer_templates_code")),
    )
    op.create_table(
        "trial_calls",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("asked_by", sa.String(300), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("asked_at", haichieu.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )
    op.create_index(op.f("ix_trial_calls_state"), "trial_calls", ["state"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("trial_calls")
    op.drop_table("answer_templates")
