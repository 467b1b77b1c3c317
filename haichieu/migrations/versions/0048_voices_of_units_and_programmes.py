"""Voices of units and programmes."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

TABLES = ("units", "programmes", "programmes_in_making")


def upgrade() -> None:
    """Add the columns; None is the voice of the unit above, or of the language."""
    for table in TABLES:
        op.add_column(table, sa.Column("voice", sa.String(100)))


def downgrade() -> None:
    """Remove the columns."""
    for table in TABLES:
        op.drop_column(table, "voice")
