"""schedule."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "programmes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("priority", sa.String(length=12), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programmes")),
    )
    op.create_table(
        "playlists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_playlists_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_playlists")),
    )
    with op.batch_alter_table("playlists", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_playlists_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "playlist_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("playlist_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["playlist_id"], ["playlists.id"], name=op.f("fk_playlist_items_playlist_id_playlists"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programmes.id"], name=op.f("fk_playlist_items_programme_id_programmes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_playlist_items")),
        sa.UniqueConstraint("playlist_id", "position", name=op.f("uq_playlist_items_playlist_id_position")),
    )
    with op.batch_alter_table("playlist_items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_playlist_items_programme_id"), ["programme_id"], unique=False)

    op.create_table(
        "schedules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=255), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        sa.Column("playlist_id", sa.Integer(), nullable=True),
        sa.Column("official_id", sa.Integer(), nullable=True),
        sa.Column("second_official_id", sa.Integer(), nullable=True),
        sa.Column("fallback_programme_id", sa.Integer(), nullable=True),
        sa.Column("priority", sa.String(length=12), nullable=False),
        sa.Column("starts", sa.DateTime(), nullable=False),
        sa.Column("timezone", sa.String(length=60), nullable=False),
        sa.Column("rrule", sa.String(length=500), nullable=False),
        sa.Column("lunar", sa.String(length=120), nullable=False),
        sa.Column("exdates", sa.JSON(), nullable=False),
        sa.Column("rdates", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("days", sa.String(length=20), nullable=False),
        sa.Column("expected_seconds", sa.Double(), nullable=True),
        sa.Column("lead_seconds", sa.Integer(), nullable=False),
        sa.Column("resume_rule", sa.String(length=12), nullable=False),
        sa.Column("catch_up_minutes", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("materialised_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("days IN ('any', 'not_on_holidays', 'working_days')", name=op.f("ck_schedules_days")),
        sa.CheckConstraint("priority IN ('normal', 'priority', 'emergency')", name=op.f("ck_schedules_priority")),
        sa.CheckConstraint("resume_rule IN ('resume', 'again', 'drop')", name=op.f("ck_schedules_resume_rule")),
        sa.CheckConstraint("rrule = '' OR lunar = ''", name=op.f("ck_schedules_one_recurrence")),
        sa.CheckConstraint("what <> 'live' OR official_id IS NOT NULL", name=op.f("ck_schedules_has_official")),
        sa.CheckConstraint("what <> 'playlist' OR playlist_id IS NOT NULL", name=op.f("ck_schedules_has_playlist")),
        sa.CheckConstraint("what <> 'programme' OR programme_id IS NOT NULL", name=op.f("ck_schedules_has_programme")),
        sa.CheckConstraint("what IN ('programme', 'playlist', 'live')", name=op.f("ck_schedules_what")),
        sa.ForeignKeyConstraint(
            ["fallback_programme_id"], ["programmes.id"], name=op.f("fk_schedules_fallback_programme_id_programmes")
        ),
        sa.ForeignKeyConstraint(["official_id"], ["officials.id"], name=op.f("fk_schedules_official_id_officials")),
        sa.ForeignKeyConstraint(["playlist_id"], ["playlists.id"], name=op.f("fk_schedules_playlist_id_playlists")),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_schedules_programme_id_programmes")),
        sa.ForeignKeyConstraint(
            ["second_official_id"], ["officials.id"], name=op.f("fk_schedules_second_official_id_officials")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_schedules_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
        sa.UniqueConstraint("uid", name=op.f("uq_schedules_uid")),
    )
    with op.batch_alter_table("schedules", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_schedules_official_id"), ["official_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_schedules_playlist_id"), ["playlist_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_schedules_programme_id"), ["programme_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_schedules_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "occurrences",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prepare_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("claimed_by", sa.String(length=120), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("broadcast_id", sa.Integer(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'claimed', 'missed', 'cancelled', 'skipped', 'aired')",
            name=op.f("ck_occurrences_state"),
        ),
        sa.ForeignKeyConstraint(
            ["broadcast_id"], ["broadcasts.id"], name=op.f("fk_occurrences_broadcast_id_broadcasts")
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name=op.f("fk_occurrences_schedule_id_schedules"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_occurrences")),
        sa.UniqueConstraint("schedule_id", "due_at", name=op.f("uq_occurrences_schedule_id_due_at")),
    )
    with op.batch_alter_table("occurrences", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_occurrences_due_at"), ["due_at"], unique=False)
        batch_op.create_index("ix_occurrences_state_prepare_at", ["state", "prepare_at"], unique=False)
        batch_op.create_index(
            "uq_occurrences_broadcast_id",
            ["broadcast_id"],
            unique=True,
            sqlite_where=sa.text("broadcast_id IS NOT NULL"),
            postgresql_where=sa.text("broadcast_id IS NOT NULL"),
        )

    op.create_table(
        "schedule_zones",
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("zone_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name=op.f("fk_schedule_zones_schedule_id_schedules"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["zone_id"], ["zones.id"], name=op.f("fk_schedule_zones_zone_id_zones")),
        sa.PrimaryKeyConstraint("schedule_id", "zone_id", name=op.f("pk_schedule_zones")),
    )
    with op.batch_alter_table("zones", schema=None) as batch_op:
        batch_op.add_column(sa.Column("quiet_hours", sa.String(length=11), nullable=True))
        batch_op.add_column(sa.Column("silenced_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("silenced_by", sa.String(length=200), nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("zones", schema=None) as batch_op:
        batch_op.drop_column("silenced_by")
        batch_op.drop_column("silenced_until")
        batch_op.drop_column("quiet_hours")

    op.drop_table("schedule_zones")
    with op.batch_alter_table("occurrences", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_occurrences_broadcast_id",
            sqlite_where=sa.text("broadcast_id IS NOT NULL"),
            postgresql_where=sa.text("broadcast_id IS NOT NULL"),
        )
        batch_op.drop_index("ix_occurrences_state_prepare_at")
        batch_op.drop_index(batch_op.f("ix_occurrences_due_at"))

    op.drop_table("occurrences")
    with op.batch_alter_table("schedules", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_schedules_unit_id"))
        batch_op.drop_index(batch_op.f("ix_schedules_programme_id"))
        batch_op.drop_index(batch_op.f("ix_schedules_playlist_id"))
        batch_op.drop_index(batch_op.f("ix_schedules_official_id"))

    op.drop_table("schedules")
    with op.batch_alter_table("playlist_items", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_playlist_items_programme_id"))

    op.drop_table("playlist_items")
    with op.batch_alter_table("playlists", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_playlists_unit_id"))

    op.drop_table("playlists")
    op.drop_table("programmes")
