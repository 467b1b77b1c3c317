"""the history of a case with whole reasons: messages with their fields have no fixed length."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

VALUES = ("before", "after")


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("case_changes", schema=None) as batch_op:
        for name in VALUES:
            batch_op.alter_column(name, existing_type=sa.String(length=200), type_=sa.Text(), existing_nullable=False)


def downgrade() -> None:
    """Take back."""
    changes = sa.table("case_changes", *(sa.column(name, sa.Text) for name in VALUES))
    for name in VALUES:
        column = changes.c[name]
        op.execute(changes.update().where(sa.func.length(column) > 200).values({name: sa.func.substr(column, 1, 200)}))
    with op.batch_alter_table("case_changes", schema=None) as batch_op:
        for name in VALUES:
            batch_op.alter_column(name, existing_type=sa.Text(), type_=sa.String(length=200), existing_nullable=False)
