"""Publication duties, households of units, and whether citizens were satisfied with an answer."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

STATES = ("open", "overdue", "met", "met_late", "missed", "cancelled")


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, haichieu.database.UtcDateTime(timezone=True), nullable=nullable)


def _state() -> str:
    return f"state IN ({', '.join(repr(state) for state in STATES)})"


def upgrade() -> None:
    """Create the tables and add the columns."""
    op.create_table(
        "duties",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(200), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("event_on", sa.Date(), nullable=True),
        sa.Column("deadline", sa.Date(), nullable=False),
        sa.Column("run_time", sa.String(5), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        sa.Column("earlier_programmes", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("cancelled_because", sa.String(300), nullable=False),
        sa.Column("noticed", sa.String(80), nullable=False),
        sa.Column("overdue_alarm", sa.Boolean(), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        _moment("created_at"),
        _moment("settled_at", nullable=True),
        sa.CheckConstraint(_state(), name=op.f("ck_duties_state")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_duties_unit_id_units")),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_duties_programme_id_programmes")),
    )
    for column in ("deadline", "programme_id", "state", "unit_id"):
        op.create_index(op.f(f"ix_duties_{column}"), "duties", [column])
    for table, other in (("duty_zones", "zone"), ("duty_schedules", "schedule")):
        op.create_table(
            table,
            sa.Column("duty_id", sa.Integer(), nullable=False),
            sa.Column(f"{other}_id", sa.Integer(), nullable=False),
            sa.ForeignKeyConstraint(
                ["duty_id"], ["duties.id"], name=op.f(f"fk_{table}_duty_id_duties"), ondelete="CASCADE"
            ),
            sa.ForeignKeyConstraint(
                [f"{other}_id"], [f"{other}s.id"], name=op.f(f"fk_{table}_{other}_id_{other}s"), ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint("duty_id", f"{other}_id", name=op.f(f"pk_{table}")),
        )
    op.create_table(
        "duty_villages",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("duty_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(400), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("heard", sa.JSON(), nullable=False),
        sa.Column("met_on", sa.Date(), nullable=True),
        sa.CheckConstraint(_state(), name=op.f("ck_duty_villages_state")),
        sa.ForeignKeyConstraint(
            ["duty_id"], ["duties.id"], name=op.f("fk_duty_villages_duty_id_duties"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_duty_villages_unit_id_units")),
    )
    for column in ("duty_id", "unit_id"):
        op.create_index(op.f(f"ix_duty_villages_{column}"), "duty_villages", [column])
    op.add_column("units", sa.Column("households", sa.Integer(), nullable=True))
    op.add_column("replies", sa.Column("satisfied", sa.Boolean(), nullable=True))
    known = sa.text("satisfied IS NOT NULL")
    op.create_index("ix_replies_satisfied", "replies", ["changed_at"], sqlite_where=known, postgresql_where=known)


def downgrade() -> None:
    """Drop the tables and the columns."""
    op.drop_index("ix_replies_satisfied", "replies")
    op.drop_column("replies", "satisfied")
    op.drop_column("units", "households")
    for name in ("duty_villages", "duty_schedules", "duty_zones", "duties"):
        op.drop_table(name)
