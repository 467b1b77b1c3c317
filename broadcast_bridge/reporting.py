"""What was aired where: broadcasts, deliveries and minutes, unit by unit."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Broadcast, Delivery, Speaker
from broadcast_bridge.states import DeliveryState
from haichieu.people import Unit

HEARD = (DeliveryState.PLAYED, DeliveryState.CAUGHT_UP)


@dataclass(frozen=True)
class Aired:
    """What was aired in one unit."""

    unit: Unit
    broadcasts: int
    deliveries: int
    heard: int
    seconds: float


def aired_by_unit(
    session: Session, unit_ids: Collection[int], since: datetime.datetime, until: datetime.datetime
) -> list[Aired]:
    """Count what began between two moments at the speakers of each unit; a unit where nothing was aired is left out."""
    counted = session.execute(
        sa.select(
            Speaker.unit_id,
            sa.func.count(Delivery.broadcast_id.distinct()),
            sa.func.count(),
            sa.func.count().filter(Delivery.state.in_(HEARD)),
            sa.func.sum(Delivery.seconds),
        )
        .join(Delivery.broadcast)
        .join(Delivery.speaker)
        .where(Broadcast.created_at >= since, Broadcast.created_at < until, Speaker.unit_id.in_(unit_ids))
        .group_by(Speaker.unit_id)
    ).all()
    units = {unit.id: unit for unit in session.scalars(sa.select(Unit).where(Unit.id.in_([row[0] for row in counted])))}
    found = [
        Aired(units[unit_id], broadcasts, deliveries, heard, float(seconds or 0.0))
        for unit_id, broadcasts, deliveries, heard, seconds in counted
    ]
    return sorted(found, key=lambda one: one.unit.code)
