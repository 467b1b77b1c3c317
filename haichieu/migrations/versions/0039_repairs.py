"""Repairs of speakers, and the reports of faults that led to them."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

FAULTS = "'unsafe', 'away', 'silent', 'noisy', 'loud', 'other'"


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, haichieu.database.UtcDateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "repairs",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("speaker_id", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(12), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        _moment("broken_since"),
        _moment("opened_at"),
        _moment("closed_at", nullable=True),
        sa.Column("closed_by", sa.String(200), nullable=False),
        sa.Column("outcome", sa.String(12), nullable=False),
        sa.Column("test_id", sa.Integer(), nullable=True),
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("days_lost_stated", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["speaker_id"], ["speakers.id"], name=op.f("fk_repairs_speaker_id_speakers")),
        sa.ForeignKeyConstraint(["test_id"], ["broadcasts.id"], name=op.f("fk_repairs_test_id_broadcasts")),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_repairs_state")),
        sa.CheckConstraint(f"fault IN ({FAULTS})", name=op.f("ck_repairs_fault")),
        sa.CheckConstraint("outcome IN ('', 'tested', 'done', 'returned', 'retired')", name=op.f("ck_repairs_outcome")),
        sa.CheckConstraint("cost IS NULL OR cost >= 0", name=op.f("ck_repairs_cost")),
    )
    op.create_index(
        "uq_repairs_open_speaker",
        "repairs",
        ["speaker_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "fault_reports",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("repair_id", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(12), nullable=False),
        sa.Column("origin", sa.String(12), nullable=False),
        sa.Column("reported_by", sa.String(200), nullable=False),
        _moment("at"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sound_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["repair_id"], ["repairs.id"], name=op.f("fk_fault_reports_repair_id_repairs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["sound_id"], ["media.id"], name=op.f("fk_fault_reports_sound_id_media")),
        sa.CheckConstraint(f"fault IN ({FAULTS})", name=op.f("ck_fault_reports_fault")),
        sa.CheckConstraint(
            "origin IN ('supervision', 'fault_line', 'phone', 'panel')", name=op.f("ck_fault_reports_origin")
        ),
    )
    for table, columns in INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


INDEXES = (
    ("repairs", ("speaker_id",)),
    ("repairs", ("test_id",)),
    ("repairs", ("state", "id")),
    ("fault_reports", ("repair_id",)),
    ("fault_reports", ("sound_id",)),
)


def downgrade() -> None:
    """Drop the tables."""
    for table in ("fault_reports", "repairs"):
        op.drop_table(table)
