"""Entries by hand: cases of a visit, consents without a recording, withdrawals of one consent; guesses as messages."""

import json
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

PURPOSES = ("answer", "voice")
HAS_PROOF = "sound_id IS NOT NULL OR message_id IS NOT NULL"


OF_CHANNELS = ("cases", "messages", "data_requests")


def upgrade() -> None:
    """Add the columns, and allow what they are for."""
    _allow_channels("call", "text", "visit", "panel")
    _rewrite(_as_message)
    with op.batch_alter_table("consents") as table:
        table.drop_constraint(op.f("ck_consents_channel"), type_="check")
        table.drop_constraint(op.f("ck_consents_has_proof"), type_="check")
        table.alter_column("channel", new_column_name="form", existing_type=sa.String(8), existing_nullable=False)
        table.add_column(sa.Column("taken_by", sa.String(200), nullable=False, server_default=""))
    with op.batch_alter_table("consents") as table:
        form = sa.column("form").in_(("call", "text", "oral", "paper"))
        table.create_check_constraint(op.f("ck_consents_form"), form)
        by_hand = sa.text(f"{HAS_PROOF} OR (form IN ('oral', 'paper') AND taken_by != '')")
        table.create_check_constraint(op.f("ck_consents_has_proof"), by_hand)
    with op.batch_alter_table("data_requests") as table:
        table.add_column(sa.Column("purpose", sa.String(8), nullable=False, server_default=""))
        table.create_check_constraint(op.f("ck_data_requests_purpose"), sa.column("purpose").in_(("", *PURPOSES)))


def downgrade() -> None:
    """Delete the consents without proof, call visits entries of the panel, and drop the columns."""
    _rewrite(_as_text)
    for name in OF_CHANNELS:
        rows = sa.table(name, sa.column("channel"))
        op.execute(sa.update(rows).where(rows.c.channel == "visit").values(channel="panel"))
    _allow_channels("call", "text", "panel")
    op.execute("DELETE FROM consents WHERE form IN ('oral', 'paper')")
    with op.batch_alter_table("data_requests") as table:
        table.drop_constraint(op.f("ck_data_requests_purpose"), type_="check")
        table.drop_column("purpose")
    with op.batch_alter_table("consents") as table:
        table.drop_constraint(op.f("ck_consents_form"), type_="check")
        table.drop_constraint(op.f("ck_consents_has_proof"), type_="check")
        table.drop_column("taken_by")
        table.alter_column("form", new_column_name="channel", existing_type=sa.String(8), existing_nullable=False)
    with op.batch_alter_table("consents") as table:
        table.create_check_constraint(op.f("ck_consents_channel"), sa.column("channel").in_(("call", "text", "panel")))
        table.create_check_constraint(op.f("ck_consents_has_proof"), sa.text(HAS_PROOF))


def _allow_channels(*channels: str) -> None:
    for name in OF_CHANNELS:
        with op.batch_alter_table(name) as table:
            table.drop_constraint(op.f(f"ck_{name}_channel"), type_="check")
            table.create_check_constraint(op.f(f"ck_{name}_channel"), sa.column("channel").in_(channels))


def _rewrite(rewritten: Callable[[str], str]) -> None:
    """Rewrite the choices of category and unit in the history of cases."""
    steps = sa.table("case_changes", sa.column("id"), sa.column("what"), sa.column("after"))
    connection = op.get_bind()
    found = connection.execute(sa.select(steps.c.id, steps.c.after).where(steps.c.what.in_(("category", "unit")))).all()
    changed = [{"row": row, "text": text} for row, after in found if (text := rewritten(after)) != after]
    if changed:
        update = sa.update(steps).where(steps.c.id == sa.bindparam("row")).values(after=sa.bindparam("text"))
        connection.execute(update, changed)


def _as_message(after: str) -> str:
    """Return "name (keywords: word)" as a message, which each reader gets in their language, without the words."""
    name, found, reason = after.rpartition(" (")
    kind = reason.removesuffix(")").partition(": ")[0]
    if found and kind in ("keywords", "place"):
        return json.dumps({"key": f"case.guessed.{kind}", "fields": {"name": name}}, ensure_ascii=False)
    return name if found and reason.startswith(("account:", "official:")) else after


def _as_text(after: str) -> str:
    try:
        found = json.loads(after)
        return f"{found['fields']['name']} ({found['key'].removeprefix('case.guessed.')})"
    except (ValueError, KeyError, TypeError):
        return after
