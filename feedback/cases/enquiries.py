"""Answers that a citizen who knows the number of a case may hear."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from feedback.models import Case, Message
from feedback.states import Direction


def answers_to(session: Session, case: Case) -> Sequence[Message]:
    """Return the office's answers, oldest first, without the station's own receipts."""
    return session.scalars(
        sa.select(Message)
        .options(joinedload(Message.sound))
        .where(Message.case_id == case.id, Message.direction == Direction.OUT, Message.author != "system")
        .order_by(Message.id)
    ).all()
