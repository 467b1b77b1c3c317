"""Formal cases, consents, and requests about personal data."""

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

CHANNELS = ("call", "text", "panel")


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, haichieu.database.UtcDateTime(timezone=True), nullable=nullable)


def _word(name: str, length: int) -> sa.Column[object]:
    return sa.Column(name, sa.String(length), nullable=False)


def _one_of(table: str, column: str, *values: str) -> sa.CheckConstraint:
    allowed = ", ".join(repr(value) for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=op.f(f"ck_{table}_{column}"))


def _foreign(table: str, column: str, referred: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{referred}")
    return sa.ForeignKeyConstraint([column], [f"{referred}.id"], name=name, ondelete=ondelete)


ADDED = (
    ("cases", "dialled", sa.String(32), ""),
    ("cases", "hold_reason", sa.String(300), ""),
    ("voice_drafts", "dialled", sa.String(32), ""),
    ("replies", "with_voice", sa.Boolean(), sa.false()),
)
INDEXES = (
    ("formal_cases", ("made_formal_at",)),
    ("consents", ("case_id",)),
    ("consents", ("sound_id",)),
    ("consents", ("message_id",)),
    ("data_requests", ("case_id",)),
    ("data_requests", ("citizen_id",)),
    ("data_requests", ("unit_id",)),
    ("data_requests", ("asked_at",)),
    ("data_requests", ("state", "due_at")),
)


def upgrade() -> None:
    """Create the tables, and add the columns of cases, drafts and replies."""
    for table, name, kind, default in ADDED:
        op.add_column(table, sa.Column(name, kind, nullable=False, server_default=default))
    op.create_table(
        "formal_cases",
        sa.Column("case_id", sa.Integer(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("name_locked", "address_locked", "phone_locked")),
        _word("received_on", 32),
        sa.Column("content", sa.Text(), nullable=False),
        _moment("made_formal_at", nullable=False),
        _word("made_formal_by", 200),
        _moment("forward_due_at", nullable=False),
        _moment("forwarded_at"),
        _word("forwarded_to", 200),
        _moment("alarmed_at"),
        sa.Column("result", sa.Text(), nullable=False),
        _word("published_by", 8),
        _moment("published_at"),
        _foreign("formal_cases", "case_id", "cases", "CASCADE"),
        _one_of("formal_cases", "published_by", "", "website", "media", "letter", "air"),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("case_id", sa.Integer(), nullable=False),
        _word("purpose", 8),
        _word("channel", 8),
        sa.Column("sound_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("recording", sa.String(100), nullable=True),
        _moment("given_at", nullable=False),
        _moment("withdrawn_at"),
        _word("withdrawn_by", 200),
        _foreign("consents", "case_id", "cases", "CASCADE"),
        _foreign("consents", "sound_id", "media"),
        _foreign("consents", "message_id", "messages"),
        sa.UniqueConstraint("recording", name=op.f("uq_consents_recording")),
        sa.CheckConstraint("sound_id IS NOT NULL OR message_id IS NOT NULL", name=op.f("ck_consents_has_proof")),
        _one_of("consents", "purpose", "answer", "voice"),
        _one_of("consents", "channel", *CHANNELS),
    )
    op.create_table(
        "data_requests",
        sa.Column("id", sa.Integer(), primary_key=True),
        _word("kind", 12),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("citizen_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        _word("channel", 8),
        _word("state", 8),
        _moment("asked_at", nullable=False),
        _moment("due_at", nullable=False),
        _moment("settled_at"),
        _word("settled_by", 200),
        _word("reason", 300),
        _moment("alarmed_at"),
        _foreign("data_requests", "case_id", "cases", "SET NULL"),
        _foreign("data_requests", "citizen_id", "citizens", "SET NULL"),
        _foreign("data_requests", "unit_id", "units"),
        _one_of("data_requests", "kind", "access", "withdrawal", "erasure"),
        _one_of("data_requests", "channel", *CHANNELS),
        _one_of("data_requests", "state", "open", "done", "refused"),
    )
    for table, columns in INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def downgrade() -> None:
    """Drop the tables and the columns."""
    for table in ("data_requests", "consents", "formal_cases"):
        op.drop_table(table)
    for table, name, _, _ in reversed(ADDED):
        op.drop_column(table, name)
