"""Zones that a visitor may choose, each with what tells it from another zone of the same name."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor
from broadcast_bridge.models import Zone
from broadcast_bridge.speakers.zones import reach_of
from haichieu.unit_names import unit_names


@dataclass(frozen=True)
class ZoneChoice:
    """A zone, the communes in which it has speakers, and the number of its speakers and of the reachable ones."""

    zone: Zone
    communes: Sequence[str]
    total: int
    reachable: int


def zones_for(session: Session, visitor: Visitor) -> list[ZoneChoice]:
    """Return the zones with speakers that lie wholly in the visitor's units, by code."""
    query = sa.select(Zone).where(Zone.removed_at.is_(None)).order_by(Zone.code)
    zones = session.scalars(query).all()
    reach, names = reach_of(session, [zone.id for zone in zones]), unit_names(session)
    found = []
    for zone in zones:
        speakers = reach[zone.id].speakers
        units = {speaker.unit_id for speaker in speakers}
        if speakers and units <= visitor.units:
            communes = sorted({names[unit].commune for unit in units})
            reachable = sum(speaker.counts_as_reachable for speaker in speakers)
            found.append(ZoneChoice(zone, communes, len(speakers), reachable))
    return found
