"""programmes of broadcast sounds, and broadcasts that are called off for the speakers that missed them."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

LINK = "fk_broadcast_sounds_programme_id_programmes"


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("broadcast_sounds", schema=None) as batch_op:
        batch_op.add_column(sa.Column("programme_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(LINK, "programmes", ["programme_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_broadcast_sounds_programme_id"), ["programme_id"])
    op.add_column("deliveries", sa.Column("called_off", sa.String(length=40), nullable=True))
    op.create_index("ix_broadcasts_worth_hearing_until", "broadcasts", ["worth_hearing_until"])
    _name_programmes()


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_broadcasts_worth_hearing_until", table_name="broadcasts")
    op.drop_column("deliveries", "called_off")
    with op.batch_alter_table("broadcast_sounds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_broadcast_sounds_programme_id"))
        batch_op.drop_constraint(LINK, type_="foreignkey")
        batch_op.drop_column("programme_id")


def _name_programmes() -> None:
    """Link the sounds of earlier broadcasts to their programmes; of several with one sound, an approved one."""
    programmes = sa.table("programmes", sa.column("id", sa.Integer), sa.column("sound_id"), sa.column("state"))
    sounds = sa.table("broadcast_sounds", sa.column("media_id"), sa.column("programme_id", sa.Integer))
    of_sound = (
        sa.select(programmes.c.id)
        .where(programmes.c.sound_id == sounds.c.media_id)
        .order_by(sa.case((programmes.c.state == "approved", 0), else_=1), programmes.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    op.execute(sounds.update().values(programme_id=of_sound))
