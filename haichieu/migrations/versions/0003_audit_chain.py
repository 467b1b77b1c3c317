"""the audit trail is chained, and append-only by triggers."""

import datetime
import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

entries = sa.table(
    "audit_entries",
    sa.column("id", sa.Integer),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("actor", sa.String),
    sa.column("action", sa.String),
    sa.column("subject", sa.String),
    sa.column("detail", sa.JSON),
    sa.column("position", sa.Integer),
    sa.column("digest", sa.String),
)

SQLITE = (
    """CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries WHEN OLD.digest IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
    """CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
)
POSTGRESQL = (
    """CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$""",
    """CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries FOR EACH ROW
    WHEN (OLD.digest IS NOT NULL) EXECUTE FUNCTION refuse_audit_change()""",
    """CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries FOR EACH ROW
    EXECUTE FUNCTION refuse_audit_change()""",
    """CREATE TRIGGER audit_entries_no_truncate BEFORE TRUNCATE ON audit_entries
    EXECUTE FUNCTION refuse_audit_change()""",
)


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("position", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("digest", sa.String(length=64), nullable=True))
        batch_op.create_index(batch_op.f("ix_audit_entries_subject"), ["subject"], unique=False)
        batch_op.create_unique_constraint(batch_op.f("uq_audit_entries_position"), ["position"])
    _seal_what_is_there()
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def _seal_what_is_there() -> None:
    """Chain the entries of earlier releases in their order; `haichieu.audit.digest_of` as it was at this revision."""
    connection = op.get_bind()
    digest = "0" * 64
    for position, row in enumerate(connection.execute(sa.select(entries).order_by(entries.c.id)).all(), 1):
        at = row.at.replace(tzinfo=datetime.UTC) if row.at.tzinfo is None else row.at.astimezone(datetime.UTC)
        entry = [position, at.isoformat(), row.actor, row.action, row.subject, row.detail]
        canonical = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(f"{digest}\n{canonical}".encode()).hexdigest()
        connection.execute(sa.update(entries).where(entries.c.id == row.id).values(position=position, digest=digest))


def downgrade() -> None:
    """Undo."""
    if op.get_bind().dialect.name == "postgresql":
        for trigger in ("no_update", "no_delete", "no_truncate"):
            op.execute(f"DROP TRIGGER audit_entries_{trigger} ON audit_entries")
        op.execute("DROP FUNCTION refuse_audit_change()")
    else:
        for trigger in ("no_update", "no_delete"):
            op.execute(f"DROP TRIGGER audit_entries_{trigger}")
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_audit_entries_position"), type_="unique")
        batch_op.drop_index(batch_op.f("ix_audit_entries_subject"))
        batch_op.drop_column("digest")
        batch_op.drop_column("position")
