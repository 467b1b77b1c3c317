"""Whether an answer on air has been on air yet: for who asks later what became of a case."""

import datetime

from sqlalchemy.orm import Session

from broadcast_bridge.programmes.models import Programme
from feedback.models import Reply


def aired_at(session: Session, reply: Reply) -> datetime.datetime | None:
    """When the programme of an answer was last aired; None when it was not, or is no answer on air."""
    programme = session.get(Programme, reply.programme_id) if reply.programme_id is not None else None
    return programme.last_aired_at if programme is not None else None
