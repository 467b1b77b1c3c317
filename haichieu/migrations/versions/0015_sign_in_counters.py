"""counters of failed sign-ins by keyed digest; short PINs; calls on which an official signs in."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.drop_table("sign_in_attempts")  # named telephone numbers and addresses
    op.create_table(
        "sign_in_counters",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.JSON(), nullable=False),
        sa.Column("refused_until", haichieu.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_at", haichieu.database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_sign_in_counters")),
    )
    op.create_index(op.f("ix_sign_in_counters_identity"), "sign_in_counters", ["identity"], unique=False)
    op.create_index(op.f("ix_sign_in_counters_last_at"), "sign_in_counters", ["last_at"], unique=False)
    with op.batch_alter_table("officials", schema=None) as batch_op:
        batch_op.add_column(sa.Column("short_pin", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("call_backs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("signs_in", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("call_backs", schema=None) as batch_op:
        batch_op.drop_column("signs_in")
    with op.batch_alter_table("officials", schema=None) as batch_op:
        batch_op.drop_column("short_pin")
    op.drop_table("sign_in_counters")
    op.create_table(
        "sign_in_attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("at", haichieu.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempts")),
    )
    op.create_index("ix_sign_in_attempts_subject_at", "sign_in_attempts", ["subject", "at"])
