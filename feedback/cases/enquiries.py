"""What a citizen who knows the number of a case may hear of it: how it stands, and what was answered."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from feedback.models import Case, Message
from feedback.states import Direction


def answers_to(session: Session, case: Case) -> Sequence[Message]:
    """The office's answers, the oldest first; texts by which the station acknowledges something are none."""
    return session.scalars(
        sa.select(Message)
        .options(joinedload(Message.sound))
        .where(Message.case_id == case.id, Message.direction == Direction.OUT, Message.author != "system")
        .order_by(Message.id)
    ).all()
