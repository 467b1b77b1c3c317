"""The voice of synthetic sounds, the share of a broadcast that is synthetic, and long texts spoken while on air."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply; the texts that were read before were read by espeak-ng."""
    op.add_column("media", sa.Column("synthetic", sa.String(200), nullable=False, server_default=""))
    op.add_column("broadcasts", sa.Column("synthetic", sa.String(4), nullable=False, server_default=""))
    op.create_table(
        "spoken_rests",
        sa.Column("broadcast_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["broadcast_id"],
            ["broadcasts.id"],
            name=op.f("fk_spoken_rests_broadcast_id_broadcasts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("broadcast_id", name=op.f("pk_spoken_rests")),
    )
    programmes = sa.table("programmes", sa.column("sound_id"), sa.column("origin"))
    media = sa.table("media", sa.column("id"), sa.column("synthetic"))
    read = sa.select(programmes.c.sound_id).where(programmes.c.origin == "text", programmes.c.sound_id.is_not(None))
    op.execute(media.update().where(media.c.id.in_(read)).values(synthetic="espeak-ng"))
    broadcasts = sa.table("broadcasts", sa.column("id"), sa.column("synthetic"))
    sounds = sa.table("broadcast_sounds", sa.column("broadcast_id"), sa.column("media_id"))
    spoken = sa.select(media.c.id).where(media.c.synthetic != "")
    some = sa.select(sounds.c.broadcast_id).where(sounds.c.media_id.in_(spoken))
    human = sa.select(sounds.c.broadcast_id).where(sounds.c.media_id.not_in(spoken))
    op.execute(broadcasts.update().where(broadcasts.c.id.in_(some)).values(synthetic="all"))
    both = broadcasts.c.id.in_(some) & broadcasts.c.id.in_(human)
    op.execute(broadcasts.update().where(both).values(synthetic="part"))


def downgrade() -> None:
    """Take back."""
    op.drop_table("spoken_rests")
    op.drop_column("broadcasts", "synthetic")
    op.drop_column("media", "synthetic")
