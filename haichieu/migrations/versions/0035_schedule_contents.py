"""Schedules that play the newest programme of a category, or a playlist of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

WHAT = "what IN ('programme', 'playlist', 'live')"
MORE = "what IN ('programme', 'newest', 'playlist', 'live')"


def upgrade() -> None:
    """Copy each playlist to the schedules that play it, and add the category."""
    op.create_table(
        "schedule_items",
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name=op.f("fk_schedule_items_schedule_id_schedules"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programmes.id"], name=op.f("fk_schedule_items_programme_id_programmes")
        ),
        sa.PrimaryKeyConstraint("schedule_id", "position", name=op.f("pk_schedule_items")),
    )
    op.execute(
        "INSERT INTO schedule_items (schedule_id, position, programme_id) "
        "SELECT schedules.id, playlist_items.position, playlist_items.programme_id FROM schedules "
        "JOIN playlist_items ON playlist_items.playlist_id = schedules.playlist_id WHERE schedules.what = 'playlist'"
    )
    with op.batch_alter_table("schedules") as table:
        table.drop_constraint(op.f("ck_schedules_has_playlist"), type_="check")
        table.drop_constraint(op.f("ck_schedules_what"), type_="check")
        table.drop_constraint("fk_schedules_playlist_id_playlists", type_="foreignkey")
        table.drop_index("ix_schedules_playlist_id")
        table.drop_column("playlist_id")
        table.add_column(sa.Column("category", sa.String(80), nullable=False, server_default=""))
        table.create_check_constraint(op.f("ck_schedules_what"), MORE)
        table.create_check_constraint(op.f("ck_schedules_has_category"), "what <> 'newest' OR category <> ''")
    op.create_index("ix_schedule_items_programme_id", "schedule_items", ["programme_id"])
    op.drop_table("playlist_items")
    op.drop_table("playlists")


def downgrade() -> None:
    """Make a playlist for each schedule that plays one, and drop schedules of a category, which it cannot express."""
    op.create_table(
        "playlists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_playlists_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_playlists")),
    )
    op.create_index("ix_playlists_unit_id", "playlists", ["unit_id"])
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
    op.create_index("ix_playlist_items_programme_id", "playlist_items", ["programme_id"])
    op.execute("DELETE FROM occurrences WHERE schedule_id IN (SELECT id FROM schedules WHERE what = 'newest')")
    op.execute("DELETE FROM schedule_zones WHERE schedule_id IN (SELECT id FROM schedules WHERE what = 'newest')")
    op.execute("DELETE FROM schedules WHERE what = 'newest'")
    op.execute(
        "INSERT INTO playlists (id, title, unit_id) SELECT id, title, unit_id FROM schedules WHERE what = 'playlist'"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SELECT setval(pg_get_serial_sequence('playlists', 'id'), (SELECT max(id) + 1 FROM schedules))")
    op.execute(
        "INSERT INTO playlist_items (playlist_id, position, programme_id) "
        "SELECT schedule_id, position, programme_id FROM schedule_items"
    )
    with op.batch_alter_table("schedules") as table:
        table.drop_constraint(op.f("ck_schedules_has_category"), type_="check")
        table.drop_constraint(op.f("ck_schedules_what"), type_="check")
        table.drop_column("category")
        table.add_column(sa.Column("playlist_id", sa.Integer(), nullable=True))
        table.create_foreign_key("fk_schedules_playlist_id_playlists", "playlists", ["playlist_id"], ["id"])
        table.create_index("ix_schedules_playlist_id", ["playlist_id"])
        table.create_check_constraint(op.f("ck_schedules_what"), WHAT)
    op.execute("UPDATE schedules SET playlist_id = id WHERE what = 'playlist'")
    with op.batch_alter_table("schedules") as table:
        table.create_check_constraint(
            op.f("ck_schedules_has_playlist"), "what <> 'playlist' OR playlist_id IS NOT NULL"
        )
    op.drop_table("schedule_items")
