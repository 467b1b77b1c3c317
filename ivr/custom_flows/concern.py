"""The units that a flow concerns: those of the numbers that lead to it, or the whole station."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.people import Unit
from ivr.calls.routing import units_routed_to
from ivr.custom_flows.numbers import require_known

OF_THE_STATION = frozenset({"official-line", "booked-live", "answer-call"})
"""Flows of the station's own calls and of its emergency line."""


def units_concerned(session: Session, flow: str) -> set[int]:
    """Return the units whose administrator may change a flow; all of them are needed. Raises NoSuchFlow.

    For a flow without a number, and for the station's own, these are the highest units.
    """
    routed = units_routed_to(session, require_known(flow))
    if routed and flow not in OF_THE_STATION:
        return routed
    return set(session.scalars(sa.select(Unit.id).where(Unit.parent_id.is_(None))))
