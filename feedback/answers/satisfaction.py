"""Satisfaction of citizens: what they key in after an answer by call, counted by unit."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.models import Case, Message, Reply


@dataclass(frozen=True)
class Satisfaction:
    """The opinions about the answers to cases of one unit."""

    unit_id: int
    satisfied: int
    not_satisfied: int


def rate(session: Session, reply_ids: Collection[int], *, satisfied: bool) -> None:
    """Store a citizen's opinion of the answers of one call; answers that were erased meanwhile are left out."""
    session.execute(sa.update(Reply).where(Reply.id.in_(reply_ids)).values(satisfied=satisfied))


def satisfaction(
    session: Session, unit_ids: Collection[int], since: datetime.datetime, until: datetime.datetime
) -> Sequence[Satisfaction]:
    """Return the opinions about the cases of some units that were given between two times, by unit."""
    yes = sa.func.sum(sa.case((Reply.satisfied.is_(True), 1), else_=0))
    rows = session.execute(
        sa.select(Case.unit_id, yes, sa.func.count() - yes)
        .select_from(Reply)
        .join(Message, Message.id == Reply.message_id)
        .join(Case, Case.id == Message.case_id)
        .where(
            Reply.satisfied.is_not(None), Reply.changed_at >= since, Reply.changed_at < until,
            Case.unit_id.in_(unit_ids),
        )
        .group_by(Case.unit_id)
        .order_by(Case.unit_id)
    )  # fmt: skip
    return [Satisfaction(*row) for row in rows]
