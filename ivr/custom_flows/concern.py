"""Whom a flow concerns: the units of the numbers that lead to it, or the whole station."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.people import Unit
from ivr.calls.routing import units_led_to
from ivr.custom_flows.numbers import require_known

OF_THE_STATION = frozenset({"official-line", "booked-live", "answer-call"})
"""Calls of the station itself follow them, and those to its emergency line."""


def units_concerned(session: Session, flow: str) -> set[int]:
    """Return the units in all of which one must be in charge to change a flow. Raises NoSuchFlow.

    Without a number that leads to it, as for what the station itself follows, those are the highest ones.
    """
    routed = units_led_to(session, require_known(flow))
    if routed and flow not in OF_THE_STATION:
        return routed
    return set(session.scalars(sa.select(Unit.id).where(Unit.parent_id.is_(None))))
