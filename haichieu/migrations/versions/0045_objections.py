"""Objections of citizens to the processing of their data."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

BEFORE, SINCE = ("access", "withdrawal", "erasure"), ("access", "withdrawal", "objection", "erasure")


def upgrade() -> None:
    """Allow objections."""
    _allow(SINCE)


def downgrade() -> None:
    """Delete the objections, and allow none."""
    op.execute("DELETE FROM data_requests WHERE kind = 'objection'")
    _allow(BEFORE)


def _allow(kinds: tuple[str, ...]) -> None:
    with op.batch_alter_table("data_requests") as table:
        table.drop_constraint(op.f("ck_data_requests_kind"), type_="check")
        table.create_check_constraint(op.f("ck_data_requests_kind"), sa.column("kind").in_(kinds))
