"""Source systems: versions of bulletins, commands to devices, daily counts."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the tables."""
    with op.batch_alter_table("source_bulletins") as table:
        table.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))
        table.add_column(sa.Column("revision", sa.Integer(), server_default="0", nullable=False))
        table.add_column(sa.Column("content_mark", sa.String(64), server_default="", nullable=False))
        table.add_column(sa.Column("seen", sa.JSON(), server_default="[]", nullable=False))
        table.add_column(sa.Column("changed_at", haichieu.database.UtcDateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("content_at", haichieu.database.UtcDateTime(timezone=True), nullable=True))
    with op.batch_alter_table("sources") as table:
        table.add_column(sa.Column("counted_until", sa.Date(), nullable=True))
    op.create_table(
        "source_earlier_programmes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("bulletin_id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id"],
            ["source_bulletins.id"],
            name=op.f("fk_source_earlier_programmes_bulletin_id_source_bulletins"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programmes.id"], name=op.f("fk_source_earlier_programmes_programme_id_programmes")
        ),
        sa.UniqueConstraint("programme_id", name=op.f("uq_source_earlier_programmes_programme_id")),
    )
    op.create_index(op.f("ix_source_earlier_programmes_bulletin_id"), "source_earlier_programmes", ["bulletin_id"])
    op.create_table(
        "source_commands",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(200), nullable=False),
        sa.Column("action", sa.String(12), nullable=False),
        sa.Column("value", sa.Integer(), nullable=True),
        sa.Column("received_at", haichieu.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("speaker_codes", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_source_commands_source_id_sources")),
        sa.UniqueConstraint("source_id", "external_id", name=op.f("uq_source_commands_source_id_external_id")),
        sa.CheckConstraint("action IN ('volume', 'stop', 'restart', 'status')", name=op.f("ck_source_commands_action")),
    )
    op.create_index(op.f("ix_source_commands_received_at"), "source_commands", ["received_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("source_commands")
    op.drop_table("source_earlier_programmes")
    with op.batch_alter_table("sources") as table:
        table.drop_column("counted_until")
    with op.batch_alter_table("source_bulletins") as table:
        for name in ("content_at", "changed_at", "seen", "content_mark", "revision", "version"):
            table.drop_column(name)
