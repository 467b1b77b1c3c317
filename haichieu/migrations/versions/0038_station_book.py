"""The station book: stations, devices, inspections, plans, training and budget."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _create(
        "book_stations",
        sa.Column("code", sa.String(40), nullable=False),
        _words("name"),
        _choice("technology"),
        _choice("condition"),
        sa.Column("since_year", sa.Integer(), nullable=True),
        _choice("connected"),
        sa.UniqueConstraint("code", name=op.f("uq_book_stations_code")),
    )
    _create(
        "book_devices",
        sa.Column("code", sa.String(40), nullable=False),
        _words("name"),
        sa.Column("station_id", sa.Integer(), nullable=True),
        sa.Column("speaker_id", sa.Integer(), nullable=True),
        _choice("device_kind"),
        _choice("condition"),
        sa.Column("since_year", sa.Integer(), nullable=True),
        _words("serial", 60),
        _words("imei", 16),
        _words("sim_number", 20),
        _words("sim_carrier", 60),
        _words("sim_owner"),
        *(
            sa.Column(name, sa.Date(), nullable=True)
            for name in ("sim_until", "warranty_until", "sim_alarm_for", "warranty_alarm_for")
        ),
        sa.UniqueConstraint("code", name=op.f("uq_book_devices_code")),
        _refers("book_devices", "station_id", "book_stations"),
        _refers("book_devices", "speaker_id", "speakers"),
    )
    _create(
        "book_inspections",
        sa.Column("device_id", sa.Integer(), nullable=True),
        sa.Column("inspected_on", sa.Date(), nullable=False),
        _words("inspector"),
        _choice("finding"),
        sa.Column("next_on", sa.Date(), nullable=True),
        _refers("book_inspections", "device_id", "book_devices"),
    )
    _create(
        "book_plans",
        sa.Column("year", sa.Integer(), nullable=False),
        _words("work"),
        _choice("plan_kind"),
        _choice("plan_state"),
        sa.Column("station_id", sa.Integer(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        _choice("fund"),
        sa.Column("done_on", sa.Date(), nullable=True),
        _refers("book_plans", "station_id", "book_stations"),
    )
    _create_training()
    _create(
        "book_budget",
        sa.Column("year", sa.Integer(), nullable=False),
        _choice("fund"),
        _words("programme"),
        _choice("purpose"),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("planned", "allocated", "spent")),
    )
    for table, column in INDEXES:
        op.create_index(f"ix_{table}_{column}", table, [column])


TABLES = ("stations", "devices", "inspections", "plans", "needs", "courses", "attendance", "budget")
INDEXES = (
    *((f"book_{table}", "unit_id") for table in TABLES),
    ("book_devices", "station_id"),
    ("book_devices", "speaker_id"),
    ("book_inspections", "device_id"),
    ("book_plans", "station_id"),
    ("book_attendance", "course_id"),
)


def _create_training() -> None:
    _create(
        "book_needs",
        sa.Column("year", sa.Integer(), nullable=False),
        _words("topic"),
        _choice("audience"),
        sa.Column("people", sa.Integer(), nullable=False),
    )
    _create(
        "book_courses",
        sa.Column("code", sa.String(40), nullable=False),
        _words("name"),
        _words("organiser"),
        _words("place"),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.UniqueConstraint("code", name=op.f("uq_book_courses_code")),
    )
    _create(
        "book_attendance",
        sa.Column("course_id", sa.Integer(), nullable=False),
        _words("person"),
        _words("job_title"),
        _choice("attended"),
        _refers("book_attendance", "course_id", "book_courses"),
    )


def _create(table: str, *columns: SchemaItem) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        _words("note", 500),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("search_text", "personal_text")),
        _refers(table, "unit_id", "units"),
        *columns,
    )


def _words(name: str, most: int = 200) -> sa.Column[object]:
    return sa.Column(name, sa.String(most), nullable=False)


def _choice(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.String(20), nullable=False)


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def downgrade() -> None:
    """Drop the tables."""
    for table in ("budget", "attendance", "courses", "needs", "plans", "inspections", "devices", "stations"):
        op.drop_table(f"book_{table}")
