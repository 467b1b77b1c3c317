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

    with op.batch_alter_table("speakers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("node", sa.String(length=60), server_default="", nullable=False))
        batch_op.add_column(sa.Column("multicast_by_priority", sa.JSON(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("volume_db", sa.Double(), server_default="0", nullable=False))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("speakers", schema=None) as batch_op:
        batch_op.drop_column("volume_db")
        batch_op.drop_column("multicast_by_priority")
        batch_op.drop_column("node")

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

    with op.batch_alter_table("broadcast_sounds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_broadcast_sounds_media_id"))

    op.drop_table("broadcast_sounds")
