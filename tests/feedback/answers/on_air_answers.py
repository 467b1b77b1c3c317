"""The broadcast time of an answer on air, for tests."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Broadcast, BroadcastSound
from broadcast_bridge.programmes.models import Programme
from feedback.models import Reply


def aired_at(session: Session, reply: Reply) -> datetime.datetime | None:
    """Return when a broadcast last played the programme of this answer; None when none has."""
    query = (
        sa.select(sa.func.max(Broadcast.on_air_at, type_=Broadcast.on_air_at.type))
        .join(BroadcastSound, BroadcastSound.broadcast_id == Broadcast.id)
        .join(Programme, Programme.sound_id == BroadcastSound.media_id)
        .where(Programme.id == reply.programme_id)
    )
    aired: datetime.datetime | None = session.scalar(query)
    return aired
