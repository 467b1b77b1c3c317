"""Acknowledgement of a repeated emergency by a local official, which stops it at the speakers there.

It continues elsewhere: that one village knows of the flood says nothing about the next. Any official in charge of a
place may acknowledge, with or without the right to start an emergency.
"""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.ending_here import end_here
from broadcast_bridge.broadcasts.states import BroadcastState, Kind, Priority, Reason
from broadcast_bridge.models import Broadcast, Delivery, Speaker, official_zones
from broadcast_bridge.speakers.zones import speakers_in
from haichieu import audit
from haichieu.people import Official, units_under


def emergencies_at(session: Session, official: Official) -> list[Delivery]:
    """Return the deliveries of recorded emergencies that are playing at speakers this official is in charge of."""
    return list(
        session.scalars(
            sa.select(Delivery)
            .join(Delivery.broadcast)
            .where(
                Broadcast.kind == Kind.RECORDED,
                Broadcast.priority == Priority.EMERGENCY,
                Broadcast.state == BroadcastState.ON_AIR,
                Delivery.active,
                Delivery.speaker_id.in_(_speakers_of(session, official)),
            )
            .order_by(Delivery.id)
        )
    )


def acknowledge(session: Session, official: Official, at: datetime.datetime) -> list[Speaker]:
    """End every emergency at the speakers this official is in charge of, and return these speakers.

    A delivery that was playing counts as played; one that had not started is not caught up later.
    """
    heard = emergencies_at(session, official)
    end_here(heard, Reason.ACKNOWLEDGED, at)
    for broadcast_id in sorted({delivery.broadcast_id for delivery in heard}):
        silenced = sum(delivery.broadcast_id == broadcast_id for delivery in heard)
        subject = f"broadcast:{broadcast_id}"
        audit.record(session, f"official:{official.code}", "emergency.acknowledge", subject, speakers=silenced)
    return [delivery.speaker for delivery in heard]


def _speakers_of(session: Session, official: Official) -> set[int]:
    """Return the speakers of the official's zones, and of their unit and the units below it."""
    units = units_under(session, [official.unit_id])
    below = session.scalars(sa.select(Speaker.id).where(Speaker.unit_id.in_(units)))
    zones = session.scalars(sa.select(official_zones.c.zone_id).where(official_zones.c.official_id == official.id))
    return set(below) | {speaker.id for speaker in speakers_in(session, zones)}
