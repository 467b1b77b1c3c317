"""Push notifications: browsers, kinds that accounts want, what is to be sent; programmes that are being made."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, haichieu.database.UtcDateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "push_subscriptions",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("endpoint", sa.String(1000), nullable=False),
        sa.Column("public_key", sa.String(100), nullable=False),
        sa.Column("auth_secret", sa.String(40), nullable=False),
        sa.Column("password_mark", sa.String(64), nullable=False),
        sa.Column("browser", sa.String(200), nullable=False),
        _moment("created_at"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_push_subscriptions_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint("endpoint", name=op.f("uq_push_subscriptions_endpoint")),
    )
    op.create_index("ix_push_subscriptions_account_id", "push_subscriptions", ["account_id"])
    op.create_table(
        "notice_choices",
        sa.Column("account_id", sa.Integer(), primary_key=True),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_notice_choices_account_id_accounts"), ondelete="CASCADE"
        ),
    )
    op.create_table(
        "push_notices",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("subscription_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("path", sa.String(200), nullable=False),
        _moment("created_at"),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["push_subscriptions.id"],
            name=op.f("fk_push_notices_subscription_id_push_subscriptions"),
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("subscription_id", "key", name=op.f("uq_push_notices_subscription_id_key")),
    )
    op.create_index("ix_push_notices_created_at", "push_notices", ["created_at"])
    _create_programmes_in_making()


def _create_programmes_in_making() -> None:
    table = "programmes_in_making"
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("author_name", sa.String(200), nullable=False),
        sa.Column("category", sa.String(80), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        _moment("valid_until", nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("original_id", sa.Integer(), nullable=True),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("submit", sa.Boolean(), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        _moment("based_on", nullable=True),
        _moment("created_at"),
        _moment("done_at", nullable=True),
        *(
            sa.ForeignKeyConstraint([name], [f"{other}.id"], name=op.f(f"fk_{table}_{name}_{other}"))
            for name, other in (("unit_id", "units"), ("original_id", "media"), ("programme_id", "programmes"))
        ),
    )
    for name in ("unit_id", "original_id", "programme_id", "done_at"):
        op.create_index(f"ix_{table}_{name}", table, [name])


def downgrade() -> None:
    """Drop the tables."""
    op.execute("DELETE FROM jobs WHERE kind IN ('push', 'make_programme')")
    for table in ("programmes_in_making", "push_notices", "notice_choices", "push_subscriptions"):
        op.drop_table(table)
