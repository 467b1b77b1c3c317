"""Settings of single speakers and phones, and what their registrations tell."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0017"
branch_labels = None
depends_on = None

DEVICES = ("speakers", "phones")


def upgrade() -> None:
    """Add the columns."""
    for table in DEVICES:
        op.add_column(table, sa.Column("behind_nat", sa.Boolean()))
        op.add_column(table, sa.Column("nat_seen", sa.Boolean(), nullable=False, server_default=sa.false()))
        op.add_column(table, sa.Column("answers_options", sa.Boolean()))
    op.add_column("speakers", sa.Column("make", sa.String(20), nullable=False, server_default=""))
    op.add_column("speakers", sa.Column("qualify", sa.Boolean()))
    op.add_column("speakers", sa.Column("answer_seconds", sa.Float()))


def downgrade() -> None:
    """Drop the columns."""
    for column in ("answer_seconds", "qualify", "make"):
        op.drop_column("speakers", column)
    for table in DEVICES:
        for column in ("answers_options", "nat_seen", "behind_nat"):
            op.drop_column(table, column)
