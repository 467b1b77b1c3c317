"""broadcasts found by the moment that they are filed under; forms that were sent."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("ix_broadcasts_filed_at", "broadcasts", [sa.text("coalesce(on_air_at, due_at, created_at)")])
    op.create_table(
        "sent_forms",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("sent_at", haichieu.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("led_to", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_sent_forms_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sent_forms")),
    )
    with op.batch_alter_table("sent_forms", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sent_forms_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sent_forms_sent_at"), ["sent_at"], unique=False)


def downgrade() -> None:
    """Take back."""
    op.drop_table("sent_forms")
    op.drop_index("ix_broadcasts_filed_at", table_name="broadcasts")
