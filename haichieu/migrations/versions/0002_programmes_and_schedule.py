"""programmes and schedule."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "alert_sources",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("senders", sa.JSON(), nullable=False),
        sa.Column("secret_locked", sa.Text(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("highest_priority", sa.String(length=12), nullable=False),
        sa.Column("speaks_exercises", sa.Boolean(), nullable=False),
        sa.Column("feed_url", sa.Text(), nullable=False),
        sa.Column("feed_seconds", sa.Integer(), nullable=False),
        sa.Column("silent_minutes", sa.Integer(), nullable=False),
        sa.Column("feed_etag", sa.Text(), nullable=False),
        sa.Column("feed_modified", sa.Text(), nullable=False),
        sa.Column("feed_seen", sa.JSON(), nullable=False),
        sa.Column("feed_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_poll_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_ok_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_problem", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "highest_priority IN ('normal', 'priority', 'emergency')", name=op.f("ck_alert_sources_highest_priority")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_sources")),
        sa.UniqueConstraint("code", name=op.f("uq_alert_sources_code")),
    )
    with op.batch_alter_table("alert_sources", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_sources_next_poll_at"), ["next_poll_at"], unique=False)

    op.create_table(
        "alert_source_zones",
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("zone_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["alert_sources.id"],
            name=op.f("fk_alert_source_zones_source_id_alert_sources"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["zone_id"], ["zones.id"], name=op.f("fk_alert_source_zones_zone_id_zones")),
        sa.PrimaryKeyConstraint("source_id", "zone_id", name=op.f("pk_alert_source_zones")),
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
        "programmes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("origin", sa.String(length=12), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("author_name", sa.String(length=200), nullable=False),
        sa.Column("priority", sa.String(length=12), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("zone_codes", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("returned_because", sa.Text(), nullable=False),
        sa.Column("original_id", sa.Integer(), nullable=True),
        sa.Column("sound_id", sa.Integer(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_aired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("origin IN ('upload', 'text', 'phone', 'live')", name=op.f("ck_programmes_origin")),
        sa.CheckConstraint("priority IN ('normal', 'priority', 'emergency')", name=op.f("ck_programmes_priority")),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'withdrawn', 'approved', 'returned')", name=op.f("ck_programmes_state")
        ),
        sa.ForeignKeyConstraint(["original_id"], ["media.id"], name=op.f("fk_programmes_original_id_media")),
        sa.ForeignKeyConstraint(["sound_id"], ["media.id"], name=op.f("fk_programmes_sound_id_media")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_programmes_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programmes")),
    )
    with op.batch_alter_table("programmes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_programmes_category"), ["category"], unique=False)
        batch_op.create_index(batch_op.f("ix_programmes_original_id"), ["original_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_programmes_sound_id"), ["sound_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_programmes_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_programmes_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "unit_geocodes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("scheme", sa.String(length=60), nullable=False),
        sa.Column("value", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["units.id"], name=op.f("fk_unit_geocodes_unit_id_units"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_geocodes")),
        sa.UniqueConstraint("unit_id", "scheme", "value", name=op.f("uq_unit_geocodes_unit_id_scheme_value")),
    )
    with op.batch_alter_table("unit_geocodes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unit_geocodes_scheme_value"), ["scheme", "value"], unique=False)
        batch_op.create_index(batch_op.f("ix_unit_geocodes_unit_id"), ["unit_id"], unique=False)

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
        sa.Column("after_cut", sa.String(length=12), nullable=False),
        sa.Column("catch_up_minutes", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("materialised_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("after_cut IN ('resume', 'again', 'drop')", name=op.f("ck_schedules_after_cut")),
        sa.CheckConstraint("days IN ('any', 'not_on_holidays', 'working_days')", name=op.f("ck_schedules_days")),
        sa.CheckConstraint("priority IN ('normal', 'priority', 'emergency')", name=op.f("ck_schedules_priority")),
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
        "broadcast_sounds",
        sa.Column("broadcast_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("media_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["broadcast_id"],
            ["broadcasts.id"],
            name=op.f("fk_broadcast_sounds_broadcast_id_broadcasts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name=op.f("fk_broadcast_sounds_media_id_media")),
        sa.PrimaryKeyConstraint("broadcast_id", "position", name=op.f("pk_broadcast_sounds")),
    )
    with op.batch_alter_table("broadcast_sounds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_broadcast_sounds_media_id"), ["media_id"], unique=False)

    op.create_table(
        "cap_alerts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("sender", sa.String(length=200), nullable=False),
        sa.Column("identifier", sa.String(length=200), nullable=False),
        sa.Column("sent", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("message_type", sa.String(length=12), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("proof", sa.String(length=40), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("decision", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("priority", sa.String(length=12), nullable=False),
        sa.Column("areas", sa.Text(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("broadcast_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "decision IN ('air', 'update', 'cancel', 'duplicate', 'ignore', 'refuse')",
            name=op.f("ck_cap_alerts_decision"),
        ),
        sa.CheckConstraint("priority IN ('normal', 'priority', 'emergency')", name=op.f("ck_cap_alerts_priority")),
        sa.CheckConstraint(
            "state IN ('received', 'airing', 'superseded', 'cancelled', 'expired', 'refused', 'noted', 'aired')",
            name=op.f("ck_cap_alerts_state"),
        ),
        sa.ForeignKeyConstraint(
            ["broadcast_id"], ["broadcasts.id"], name=op.f("fk_cap_alerts_broadcast_id_broadcasts")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["alert_sources.id"], name=op.f("fk_cap_alerts_source_id_alert_sources")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cap_alerts")),
        sa.UniqueConstraint(
            "source_id", "sender", "identifier", "sent", name=op.f("uq_cap_alerts_source_id_sender_identifier_sent")
        ),
    )
    with op.batch_alter_table("cap_alerts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cap_alerts_broadcast_id"), ["broadcast_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cap_alerts_received_at"), ["received_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_cap_alerts_source_id"), ["source_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cap_alerts_state"), ["state"], unique=False)

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
    op.create_table(
        "cap_alert_references",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("sender", sa.String(length=200), nullable=False),
        sa.Column("identifier", sa.String(length=200), nullable=False),
        sa.Column("sent", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"],
            ["cap_alerts.id"],
            name=op.f("fk_cap_alert_references_alert_id_cap_alerts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cap_alert_references")),
    )
    with op.batch_alter_table("cap_alert_references", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cap_alert_references_alert_id"), ["alert_id"], unique=False)
        batch_op.create_index("ix_cap_alert_references_name", ["sender", "identifier", "sent"], unique=False)

    op.create_table(
        "cap_alert_speakers",
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("speaker_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["cap_alerts.id"], name=op.f("fk_cap_alert_speakers_alert_id_cap_alerts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["speaker_id"], ["speakers.id"], name=op.f("fk_cap_alert_speakers_speaker_id_speakers")
        ),
        sa.PrimaryKeyConstraint("alert_id", "speaker_id", name=op.f("pk_cap_alert_speakers")),
    )
    op.create_table(
        "cap_alert_texts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["cap_alerts.id"], name=op.f("fk_cap_alert_texts_alert_id_cap_alerts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cap_alert_texts")),
    )
    with op.batch_alter_table("cap_alert_texts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cap_alert_texts_alert_id"), ["alert_id"], unique=False)

    with op.batch_alter_table("broadcasts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=12), server_default="live", nullable=False))
        batch_op.add_column(sa.Column("title", sa.String(length=300), server_default="", nullable=False))
        batch_op.add_column(sa.Column("asked_by", sa.String(length=200), server_default="", nullable=False))
        batch_op.add_column(sa.Column("zone_codes", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("speaker_codes", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("node", sa.String(length=60), server_default="", nullable=False))
        batch_op.add_column(sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("stop_asked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("siren", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("times", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("pause_seconds", sa.Double(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("after_cut", sa.String(length=8), server_default="again", nullable=False))
        batch_op.add_column(sa.Column("worth_hearing_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("again_of_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("offset_seconds", sa.Double(), server_default="0", nullable=False))
        batch_op.alter_column("official_id", existing_type=sa.INTEGER(), nullable=True)
        batch_op.create_index(batch_op.f("ix_broadcasts_again_of_id"), ["again_of_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_broadcasts_due_at"), ["due_at"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_broadcasts_again_of_id_broadcasts"), "broadcasts", ["again_of_id"], ["id"]
        )
        batch_op.create_check_constraint(batch_op.f("ck_broadcasts_kind"), sa.column("kind").in_(["live", "recorded"]))
        batch_op.create_check_constraint(
            batch_op.f("ck_broadcasts_after_cut"), sa.column("after_cut").in_(["resume", "again", "drop"])
        )

    with op.batch_alter_table("call_backs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("priority", sa.String(length=12), server_default="normal", nullable=False))

    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("resume_at_seconds", sa.Double(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("tries_again", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("try_again_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.drop_constraint(batch_op.f("ck_deliveries_state"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_deliveries_state"),
            sa.column("state").in_(
                ["pending", "ringing", "playing", "missed", "failed", "pre_empted", "played", "caught_up"]
            ),
        )

    with op.batch_alter_table("media", schema=None) as batch_op:
        batch_op.add_column(sa.Column("suffix", sa.String(length=12), server_default=".wav", nullable=False))

    with op.batch_alter_table("speakers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("node", sa.String(length=60), server_default="", nullable=False))
        batch_op.add_column(sa.Column("multicast_by_priority", sa.JSON(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("volume_db", sa.Double(), server_default="0", nullable=False))

    with op.batch_alter_table("units", schema=None) as batch_op:
        batch_op.add_column(sa.Column("author_may_approve", sa.Boolean(), server_default=sa.false(), nullable=False))

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

    with op.batch_alter_table("units", schema=None) as batch_op:
        batch_op.drop_column("author_may_approve")

    with op.batch_alter_table("speakers", schema=None) as batch_op:
        batch_op.drop_column("volume_db")
        batch_op.drop_column("multicast_by_priority")
        batch_op.drop_column("node")

    with op.batch_alter_table("media", schema=None) as batch_op:
        batch_op.drop_column("suffix")

    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_column("try_again_at")
        batch_op.drop_column("tries_again")
        batch_op.drop_column("resume_at_seconds")

    with op.batch_alter_table("call_backs", schema=None) as batch_op:
        batch_op.drop_column("priority")

    with op.batch_alter_table("broadcasts", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_broadcasts_again_of_id_broadcasts"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_broadcasts_due_at"))
        batch_op.drop_index(batch_op.f("ix_broadcasts_again_of_id"))
        batch_op.alter_column("official_id", existing_type=sa.INTEGER(), nullable=False)
        batch_op.drop_column("offset_seconds")
        batch_op.drop_column("again_of_id")
        batch_op.drop_column("worth_hearing_until")
        batch_op.drop_column("after_cut")
        batch_op.drop_column("pause_seconds")
        batch_op.drop_column("times")
        batch_op.drop_column("siren")
        batch_op.drop_column("stop_asked_at")
        batch_op.drop_column("due_at")
        batch_op.drop_column("node")
        batch_op.drop_column("speaker_codes")
        batch_op.drop_column("zone_codes")
        batch_op.drop_column("asked_by")
        batch_op.drop_column("title")
        batch_op.drop_column("kind")

    with op.batch_alter_table("cap_alert_texts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cap_alert_texts_alert_id"))

    op.drop_table("cap_alert_texts")
    op.drop_table("cap_alert_speakers")
    with op.batch_alter_table("cap_alert_references", schema=None) as batch_op:
        batch_op.drop_index("ix_cap_alert_references_name")
        batch_op.drop_index(batch_op.f("ix_cap_alert_references_alert_id"))

    op.drop_table("cap_alert_references")
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
    with op.batch_alter_table("cap_alerts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cap_alerts_state"))
        batch_op.drop_index(batch_op.f("ix_cap_alerts_source_id"))
        batch_op.drop_index(batch_op.f("ix_cap_alerts_received_at"))
        batch_op.drop_index(batch_op.f("ix_cap_alerts_broadcast_id"))

    op.drop_table("cap_alerts")
    with op.batch_alter_table("broadcast_sounds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_broadcast_sounds_media_id"))

    op.drop_table("broadcast_sounds")
    with op.batch_alter_table("schedules", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_schedules_unit_id"))
        batch_op.drop_index(batch_op.f("ix_schedules_programme_id"))
        batch_op.drop_index(batch_op.f("ix_schedules_playlist_id"))
        batch_op.drop_index(batch_op.f("ix_schedules_official_id"))

    op.drop_table("schedules")
    with op.batch_alter_table("playlist_items", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_playlist_items_programme_id"))

    op.drop_table("playlist_items")
    with op.batch_alter_table("unit_geocodes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unit_geocodes_unit_id"))
        batch_op.drop_index(batch_op.f("ix_unit_geocodes_scheme_value"))

    op.drop_table("unit_geocodes")
    with op.batch_alter_table("programmes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_programmes_unit_id"))
        batch_op.drop_index(batch_op.f("ix_programmes_state"))
        batch_op.drop_index(batch_op.f("ix_programmes_sound_id"))
        batch_op.drop_index(batch_op.f("ix_programmes_original_id"))
        batch_op.drop_index(batch_op.f("ix_programmes_category"))

    op.drop_table("programmes")
    with op.batch_alter_table("playlists", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_playlists_unit_id"))

    op.drop_table("playlists")
    op.drop_table("alert_source_zones")
    with op.batch_alter_table("alert_sources", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alert_sources_next_poll_at"))

    op.drop_table("alert_sources")
