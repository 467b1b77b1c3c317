"""Whether an answer on air has been on air yet: for who asks later what became of a case."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Broadcast, BroadcastSound
from broadcast_bridge.programmes.models import Programme
from feedback.models import Reply


def aired_at(session: Session, reply: Reply) -> datetime.datetime | None:
    """When a broadcast last put the programme of an answer on air; None when none did, or it is no answer on air."""
    if reply.programme_id is None:
        return None
    query = (
        sa.select(sa.func.max(Broadcast.on_air_at, type_=Broadcast.on_air_at.type))
        .join(BroadcastSound, BroadcastSound.broadcast_id == Broadcast.id)
        .join(Programme, Programme.sound_id == BroadcastSound.media_id)
        .where(Programme.id == reply.programme_id)
    )
    aired: datetime.datetime | None = session.scalar(query)
    return aired
