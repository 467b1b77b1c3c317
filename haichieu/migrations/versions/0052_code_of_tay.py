"""The language Tày of programmes by its code in ISO 639-3, as everywhere else; `tay` is Atayal."""

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Write the right code."""
    op.execute("UPDATE programmes SET language = 'tyz' WHERE language = 'tay'")


def downgrade() -> None:
    """Write the code that earlier versions know."""
    op.execute("UPDATE programmes SET language = 'tay' WHERE language = 'tyz'")
