"""Changes of the unit tree: retired units, former names, the units of speakers before, and how to undo a change."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, haichieu.database.UtcDateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Create the tables."""
    op.add_column("units", _moment("retired_at", nullable=True))
    op.create_table(
        "former_unit_names",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        _moment("until"),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["units.id"], name=op.f("fk_former_unit_names_unit_id_units"), ondelete="CASCADE"
        ),
    )
    op.create_table(
        "unit_changes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
        _moment("at"),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("units", sa.JSON(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("journal", sa.JSON(), nullable=False),
        _moment("undone_at", nullable=True),
        sa.Column("undone_by", sa.String(200), nullable=False),
        sa.CheckConstraint("kind IN ('merge', 'rename', 'split', 'move')", name=op.f("ck_unit_changes_kind")),
    )
    op.create_table(
        "former_speaker_units",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("speaker_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("commune_id", sa.Integer(), nullable=False),
        _moment("since", nullable=True),
        _moment("until"),
        sa.ForeignKeyConstraint(
            ["speaker_id"], ["speakers.id"], name=op.f("fk_former_speaker_units_speaker_id_speakers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_former_speaker_units_unit_id_units")),
        sa.ForeignKeyConstraint(["commune_id"], ["units.id"], name=op.f("fk_former_speaker_units_commune_id_units")),
    )  # fmt: skip
    for table, column in INDEXES:
        op.create_index(f"ix_{table}_{column}", table, [column])


INDEXES = (
    ("former_unit_names", "unit_id"),
    ("former_speaker_units", "speaker_id"),
    ("former_speaker_units", "unit_id"),
    ("former_speaker_units", "commune_id"),
)


def downgrade() -> None:
    """Drop the tables. A merged unit stays below the one that it was merged into."""
    for table in ("former_speaker_units", "unit_changes", "former_unit_names"):
        op.drop_table(table)
    op.drop_column("units", "retired_at")
