"""routes of numbers by hours, custom prompts of the station."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("numbers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("routes", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "own_prompts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sound_id", sa.Integer(), nullable=True),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("changed_by", sa.String(length=300), nullable=False),
        sa.Column("changed_at", haichieu.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["sound_id"], ["media.id"], name=op.f("fk_own_prompts_sound_id_media")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_prompts")),
        sa.UniqueConstraint("key", "language", name=op.f("uq_own_prompts_key_language")),
    )
    with op.batch_alter_table("own_prompts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_own_prompts_sound_id"), ["sound_id"], unique=False)
    op.create_table(
        "prompt_calls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("asked_by", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("asked_at", haichieu.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt_calls")),
    )
    with op.batch_alter_table("prompt_calls", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_prompt_calls_state"), ["state"], unique=False)


def downgrade() -> None:
    """Take back."""
    op.drop_table("prompt_calls")
    op.drop_table("own_prompts")
    with op.batch_alter_table("numbers", schema=None) as batch_op:
        batch_op.drop_column("routes")
