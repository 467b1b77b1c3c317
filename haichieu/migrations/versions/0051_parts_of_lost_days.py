"""Days without sound with one decimal."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the type of the column; in SQLite an integer column stores fractions as they are."""
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("repairs", "days_lost_stated", type_=sa.Float(), existing_type=sa.Integer())


def downgrade() -> None:
    """Round to whole days."""
    op.execute("UPDATE repairs SET days_lost_stated = ROUND(days_lost_stated)")
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("repairs", "days_lost_stated", type_=sa.Integer(), existing_type=sa.Float())
