"""Decisions about the order of a bulletin and a programme that meet; names of fields instead of codes."""

import sqlalchemy as sa
from alembic import op

from haichieu.database import UtcDateTime

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

INDEX = "ix_bulletin_airings_decide_by"
FIELDS = {
    "1": "Thông tin chung",
    "2": "Thông tin đột xuất",
    "3": "Chủ trương, chính sách, pháp luật",
    "4": "Chỉ đạo, điều hành",
    "5": "Kiến thức khoa học, kỹ thuật, kinh tế, văn hóa, xã hội",
    "6": "Gương người tốt, việc tốt, điển hình tiên tiến",
}


def upgrade() -> None:
    """Add the columns and an index of the deadlines; who decided earlier is in the audit trail only.

    Programmes that were made of bulletins, and the schedules that look for them, get the names of the fields.
    """
    op.add_column("bulletin_airings", sa.Column("asked_at", UtcDateTime(timezone=True)))
    op.add_column("bulletin_airings", sa.Column("decided_by", sa.String(200), nullable=False, server_default=""))
    op.create_index(INDEX, "bulletin_airings", ["decide_by"])
    for table, of_bulletins in (
        ("programmes", "id IN (SELECT programme_id FROM source_bulletins WHERE programme_id IS NOT NULL)"),
        ("schedules", "EXISTS (SELECT 1 FROM source_bulletins)"),
    ):
        rename = sa.text(f"UPDATE {table} SET category = :name WHERE category = :code AND {of_bulletins}")  # noqa: S608
        for code, name in FIELDS.items():
            op.get_bind().execute(rename, {"code": code, "name": name})


def downgrade() -> None:
    """Drop the columns and the index; the names stay."""
    op.drop_index(INDEX, "bulletin_airings")
    op.drop_column("bulletin_airings", "decided_by")
    op.drop_column("bulletin_airings", "asked_at")
