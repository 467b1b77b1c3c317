"""keys of API requests, and a mark of forms that is written together with what they do."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "idempotency_keys",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("sent_at", haichieu.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_idempotency_keys_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_account_id", "idempotency_keys", ["account_id"], unique=False)
    op.create_index("ix_idempotency_keys_sent_at", "idempotency_keys", ["sent_at"], unique=False)
    with op.batch_alter_table("sent_forms", schema=None) as batch_op:
        batch_op.add_column(sa.Column("done", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("sent_forms", schema=None) as batch_op:
        batch_op.drop_column("done")
    op.drop_table("idempotency_keys")
