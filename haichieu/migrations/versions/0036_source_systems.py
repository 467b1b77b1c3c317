"""Source information systems: sources, their names for places, bulletins, airings and reports."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

STATES = ("offered", "accepted", "scheduled", "aired", "declined", "withdrawn", "refused")


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, haichieu.database.UtcDateTime(timezone=True), nullable=nullable)


def _one_of(column: str, *values: str) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "sources",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("dialect", sa.String(20), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("username", sa.String(200), nullable=False),
        sa.Column("password_locked", sa.Text(), nullable=False),
        sa.Column("external_id", sa.String(120), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("file_hosts", sa.JSON(), nullable=False),
        sa.Column("poll_seconds", sa.Integer(), nullable=False),
        _moment("removed_at"),
        sa.Column("cursor", sa.Text(), nullable=False),
        _moment("next_poll_at"),
        _moment("asked_since"),
        _moment("last_ok_at"),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_problem", sa.Text(), nullable=False),
        _moment("logged_until"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_sources_unit_id_units")),
        sa.UniqueConstraint("code", name=op.f("uq_sources_code")),
    )
    op.create_table(
        "source_places",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(120), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("speaker_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name=op.f("fk_source_places_source_id_sources"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_source_places_unit_id_units")),
        sa.ForeignKeyConstraint(
            ["speaker_id"], ["speakers.id"], name=op.f("fk_source_places_speaker_id_speakers"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint("source_id", "external_id", name=op.f("uq_source_places_source_id_external_id")),
        sa.CheckConstraint("(unit_id IS NULL) <> (speaker_id IS NULL)", name=op.f("ck_source_places_names_one")),
    )
    _create_bulletins()
    op.create_table(
        "source_reports",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(240), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=True),
        _moment("created_at", nullable=False),
        _moment("sent_at"),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_source_reports_source_id_sources")),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_source_reports_delivery_id_deliveries")
        ),
        sa.UniqueConstraint("source_id", "key", name=op.f("uq_source_reports_source_id_key")),
    )
    for table, columns in INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


INDEXES = (
    ("sources", ("unit_id",)),
    ("sources", ("next_poll_at",)),
    ("source_places", ("unit_id",)),
    ("source_places", ("speaker_id",)),
    ("source_bulletins", ("state",)),
    ("source_bulletins", ("received_at",)),
    ("source_bulletins", ("unit_id",)),
    ("source_bulletins", ("sound_id",)),
    ("source_bulletins", ("programme_id",)),
    ("bulletin_airings", ("broadcast_id",)),
    ("source_reports", ("source_id", "sent_at")),
    ("source_reports", ("delivery_id",)),
)


def _create_bulletins() -> None:
    op.create_table(
        "source_bulletins",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(200), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("declared_seconds", sa.Float(), nullable=True),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("priority", sa.String(12), nullable=False),
        sa.Column("field", sa.String(80), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.Column("devices", sa.JSON(), nullable=False),
        sa.Column("starts", sa.JSON(), nullable=False),
        _moment("valid_until"),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _moment("received_at", nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("speaker_codes", sa.JSON(), nullable=False),
        sa.Column("sound_id", sa.Integer(), nullable=True),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_source_bulletins_{name}_{table}"))
            for name, table in (
                ("source_id", "sources"),
                ("unit_id", "units"),
                ("sound_id", "media"),
                ("programme_id", "programmes"),
            )
        ),
        sa.UniqueConstraint("source_id", "external_id", name=op.f("uq_source_bulletins_source_id_external_id")),
        sa.CheckConstraint(_one_of("state", *STATES), name=op.f("ck_source_bulletins_state")),
        sa.CheckConstraint(
            _one_of("priority", "normal", "priority", "emergency"), name=op.f("ck_source_bulletins_priority")
        ),
        sa.CheckConstraint(_one_of("kind", "text", "audio"), name=op.f("ck_source_bulletins_kind")),
    )
    op.create_table(
        "bulletin_airings",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("bulletin_id", sa.Integer(), nullable=False),
        _moment("starts_at", nullable=False),
        sa.Column("rival", sa.String(300), nullable=False),
        _moment("rival_begins"),
        _moment("rival_ends"),
        _moment("decide_by"),
        sa.Column("first", sa.String(8), nullable=False),
        sa.Column("broadcast_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["source_bulletins.id"], name=op.f("fk_bulletin_airings_bulletin_id_source_bulletins"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["broadcast_id"], ["broadcasts.id"], name=op.f("fk_bulletin_airings_broadcast_id_broadcasts")
        ),
        sa.UniqueConstraint("bulletin_id", "starts_at", name=op.f("uq_bulletin_airings_bulletin_id_starts_at")),
        sa.CheckConstraint(_one_of("first", "", "source", "commune"), name=op.f("ck_bulletin_airings_first")),
    )  # fmt: skip


def downgrade() -> None:
    """Drop the tables."""
    for table in ("source_reports", "bulletin_airings", "source_bulletins", "source_places", "sources"):
        op.drop_table(table)
