"""Stopping and calling off: ends a broadcast wherever it is planned, waiting, on air or still missing.

A broadcast and the later ones that bring it to speakers that missed it are stopped together.
"""

import datetime
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import catch_up
from broadcast_bridge.broadcasts.broadcast_lifecycle import advance, is_open
from broadcast_bridge.broadcasts.states import BROADCAST, BroadcastEvent, BroadcastState, Kind, Reason
from broadcast_bridge.models import Broadcast, BroadcastSound
from haichieu import audit

_OPEN = [str(state) for state in BROADCAST.states if state not in BROADCAST.final_states]


def stop(session: Session, broadcast_id: int, who: str, at: datetime.datetime, reason: Reason = Reason.STOPPED) -> int:
    """Stop a broadcast with everything that is left of it; return for how many speakers it was called off.

    One that has not begun is cancelled at once; one on air is ended by the switchboard that runs it. Speakers that
    missed it do not get it later. Does nothing when nothing is left.
    """
    asked = session.get_one(Broadcast, broadcast_id, with_for_update=True)
    first = asked
    if asked.again_of_id is not None:
        first = session.get_one(Broadcast, asked.again_of_id, with_for_update=True)
    again = session.scalars(sa.select(Broadcast).where(Broadcast.again_of_id == first.id, Broadcast.state.in_(_OPEN)))
    running = [one for one in (first, *again) if is_open(one) and one.stop_asked_at is None]
    missing = catch_up.call_off(session, [first.id], reason, at)
    if not running and not missing:
        return 0
    for one in (first, *running):
        one.stop_asked_at = one.stop_asked_at or at
    for one in running:
        if one.state == BroadcastState.PLANNED and one.kind == Kind.RECORDED:
            advance(session, one.id, BroadcastEvent.CANCEL, at, reason)
    audit.record(session, who, "broadcast.stop", f"broadcast:{broadcast_id}", title=asked.title, called_off=missing)
    return missing


def stop_programme(session: Session, programme_id: int, who: str, at: datetime.datetime) -> None:
    """Stop every broadcast with a sound of a programme that was withdrawn."""
    numbers = sa.select(BroadcastSound.broadcast_id).where(BroadcastSound.programme_id == programme_id)
    stop_all(session, session.scalars(_left(at).where(Broadcast.id.in_(numbers))).all(), who, at, Reason.WITHDRAWN)


def is_any_on_air(session: Session, programme_ids: Collection[int]) -> bool:
    """Return whether a broadcast with a sound of one of these programmes is on air or calls its speakers."""
    numbers = sa.select(BroadcastSound.broadcast_id).where(BroadcastSound.programme_id.in_(programme_ids))
    playing = Broadcast.state.in_([BroadcastState.CALLING, BroadcastState.ON_AIR])
    query = sa.select(Broadcast.id).where(Broadcast.id.in_(numbers), playing).limit(1)
    return bool(programme_ids) and session.scalar(query) is not None


def stop_all(session: Session, broadcast_ids: Collection[int], who: str, at: datetime.datetime, reason: Reason) -> None:
    """Stop several broadcasts."""
    for broadcast_id in broadcast_ids:
        stop(session, broadcast_id, who, at, reason)


def _left(at: datetime.datetime) -> sa.Select[int]:
    """Select the broadcasts of which something may be left: those that are open or still worth hearing."""
    left = Broadcast.state.in_(_OPEN) | (Broadcast.worth_hearing_until > at)
    return sa.select(Broadcast.id).where(left, Broadcast.again_of_id.is_(None)).order_by(Broadcast.id)
