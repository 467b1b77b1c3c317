"""alerts."""

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

    op.create_table(
        "emergencies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("broadcast_id", sa.Integer(), nullable=True),
        sa.Column("alert_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("siren", sa.Boolean(), nullable=False),
        sa.Column("voice_id", sa.Integer(), nullable=True),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("pause_seconds", sa.Double(), nullable=False),
        sa.Column("max_minutes", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("round_ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_by", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_by", sa.String(length=200), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_by", sa.String(length=200), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('sounding', 'acknowledged', 'stopped', 'exhausted')", name=op.f("ck_emergencies_state")
        ),
        sa.ForeignKeyConstraint(["alert_id"], ["cap_alerts.id"], name=op.f("fk_emergencies_alert_id_cap_alerts")),
        sa.ForeignKeyConstraint(
            ["broadcast_id"], ["broadcasts.id"], name=op.f("fk_emergencies_broadcast_id_broadcasts")
        ),
        sa.ForeignKeyConstraint(["voice_id"], ["media.id"], name=op.f("fk_emergencies_voice_id_media")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergencies")),
    )
    with op.batch_alter_table("emergencies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_emergencies_alert_id"), ["alert_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_emergencies_broadcast_id"), ["broadcast_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_emergencies_state"), ["state"], unique=False)

    op.create_table(
        "emergency_speakers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("emergency_id", sa.Integer(), nullable=False),
        sa.Column("speaker_id", sa.Integer(), nullable=False),
        sa.Column("acknowledged_by_id", sa.Integer(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["acknowledged_by_id"], ["officials.id"], name=op.f("fk_emergency_speakers_acknowledged_by_id_officials")
        ),
        sa.ForeignKeyConstraint(
            ["emergency_id"],
            ["emergencies.id"],
            name=op.f("fk_emergency_speakers_emergency_id_emergencies"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["speaker_id"], ["speakers.id"], name=op.f("fk_emergency_speakers_speaker_id_speakers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_speakers")),
        sa.UniqueConstraint("emergency_id", "speaker_id", name=op.f("uq_emergency_speakers_emergency_id_speaker_id")),
    )
    with op.batch_alter_table("emergency_speakers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_emergency_speakers_speaker_id"), ["speaker_id"], unique=False)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("emergency_speakers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_emergency_speakers_speaker_id"))

    op.drop_table("emergency_speakers")
    with op.batch_alter_table("emergencies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_emergencies_state"))
        batch_op.drop_index(batch_op.f("ix_emergencies_broadcast_id"))
        batch_op.drop_index(batch_op.f("ix_emergencies_alert_id"))

    op.drop_table("emergencies")
    with op.batch_alter_table("cap_alert_texts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cap_alert_texts_alert_id"))

    op.drop_table("cap_alert_texts")
    op.drop_table("cap_alert_speakers")
    with op.batch_alter_table("cap_alert_references", schema=None) as batch_op:
        batch_op.drop_index("ix_cap_alert_references_name")
        batch_op.drop_index(batch_op.f("ix_cap_alert_references_alert_id"))

    op.drop_table("cap_alert_references")
    with op.batch_alter_table("cap_alerts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cap_alerts_state"))
        batch_op.drop_index(batch_op.f("ix_cap_alerts_source_id"))
        batch_op.drop_index(batch_op.f("ix_cap_alerts_received_at"))
        batch_op.drop_index(batch_op.f("ix_cap_alerts_broadcast_id"))

    op.drop_table("cap_alerts")
    with op.batch_alter_table("unit_geocodes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unit_geocodes_unit_id"))
        batch_op.drop_index(batch_op.f("ix_unit_geocodes_scheme_value"))

    op.drop_table("unit_geocodes")
    op.drop_table("alert_source_zones")
    with op.batch_alter_table("alert_sources", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alert_sources_next_poll_at"))

    op.drop_table("alert_sources")
