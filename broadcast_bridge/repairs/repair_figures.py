"""Figures of repairs for reports: their number, days without sound and cost, by fault."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from broadcast_bridge.models import Speaker
from broadcast_bridge.repairs.days_lost import days_lost
from broadcast_bridge.repairs.models import Repair
from broadcast_bridge.repairs.states import Fault


@dataclass(frozen=True)
class Repairs:
    """The repairs of one fault: how many were opened, how many of them are closed, days without sound, and đồng."""

    fault: str
    opened: int
    closed: int
    days: float
    cost: int


def repairs_between(
    session: Session, unit_ids: Collection[int], begin: datetime.datetime, end: datetime.datetime, at: datetime.datetime
) -> Sequence[Repairs]:
    """Count the repairs that were opened from `begin` on and before `end` for speakers of these units, by fault."""
    found = session.scalars(_opened(unit_ids, begin, end).options(selectinload(Repair.reports))).all()
    lost = days_lost(session, found, at)
    counted = []
    for fault in Fault:
        of_fault = [one for one in found if one.fault == fault]
        if of_fault:
            closed = sum(not one.is_open for one in of_fault)
            days = sum(lost[one.id] or 0.0 for one in of_fault)
            counted.append(Repairs(fault, len(of_fault), closed, days, sum(one.cost or 0 for one in of_fault)))
    return counted


def repairs_with_parts(
    session: Session, unit_ids: Collection[int], begin: datetime.datetime, end: datetime.datetime
) -> Sequence[Repair]:
    """Return those of these repairs that used spare parts, the oldest first."""
    query = _opened(unit_ids, begin, end).where(Repair.parts != "").options(joinedload(Repair.speaker))
    return session.scalars(query.order_by(Repair.id)).all()


def _opened(unit_ids: Collection[int], begin: datetime.datetime, end: datetime.datetime) -> sa.Select[Repair]:
    within = Speaker.unit_id.in_(unit_ids), Repair.opened_at >= begin, Repair.opened_at < end
    return sa.select(Repair).join(Repair.speaker).where(*within)
