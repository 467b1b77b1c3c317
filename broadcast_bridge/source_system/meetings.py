"""The order of a bulletin and priority programmes of the commune that it meets: asked, decided, and carried out.

The bulletin's broadcast is planned all the time, so that it is aired even if nobody asks or decides.
"""

import datetime

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import BroadcastState
from broadcast_bridge.models import Broadcast
from broadcast_bridge.source_system import bulletin_steps
from broadcast_bridge.source_system.models import Bulletin, BulletinAiring
from broadcast_bridge.source_system.rivals import Rival, rival_of
from broadcast_bridge.source_system.states import First
from haichieu import audit

DECIDED_BEFORE = datetime.timedelta(minutes=10)
"""Until this long before the earlier of two programmes a person may decide which is first; then the source's is."""
LOOKED_AGAIN = datetime.timedelta(seconds=30)
"""Pause before the commune's programmes are looked at again: one may be added, moved or removed."""
_JUST_BEFORE = datetime.timedelta(seconds=1)


def look(
    session: Session, bulletin: Bulletin, airing: BulletinAiring, at: datetime.datetime
) -> datetime.datetime | None:
    """Ask which is first if a planned airing meets programmes of the commune, or decide once nobody did in time.

    Return when to look again, None when the order cannot change any more.
    """
    broadcast = planned_broadcast(session, airing)
    if broadcast is None or broadcast.due_at is None or broadcast.due_at <= at or _is_settled(airing, at):
        return None
    seconds = bulletin.audio.seconds if bulletin.audio is not None else 0.0
    _ask_about(airing, rival_of(session, bulletin, max(airing.starts_at, at), seconds), at)
    if airing.first == First.UNDECIDED and airing.decide_by is not None and airing.decide_by <= at:
        decide(session, bulletin, airing, First.SOURCE, "", at)
    carry_out(session, bulletin, airing, at)
    if _is_settled(airing, at):
        return None
    return min(at + LOOKED_AGAIN, airing.decide_by or broadcast.due_at)


def decide(
    session: Session, bulletin: Bulletin, airing: BulletinAiring, first: First, who: str, at: datetime.datetime
) -> None:
    """Store which is first, and move the broadcast; `who` is empty when nobody decided in time."""
    airing.first, airing.decided_by = first, who
    audit.record(
        session, who or bulletin_steps.actor_of(bulletin), "bulletin.order", f"bulletin:{bulletin.id}", first=first,
        other=airing.rival,
    )  # fmt: skip
    carry_out(session, bulletin, airing, at)


def carry_out(session: Session, bulletin: Bulletin, airing: BulletinAiring, at: datetime.datetime) -> None:
    """Let the planned broadcast begin when the order wants it to, at its own time while nothing is decided."""
    broadcast = planned_broadcast(session, airing)
    if broadcast is not None:
        bulletin_steps.move(bulletin, broadcast, max(_start(airing), at))


def planned_broadcast(session: Session, airing: BulletinAiring) -> Broadcast | None:
    """Return the broadcast of an airing, locked, while it has not begun."""
    if airing.broadcast_id is None:
        return None
    found = session.get_one(Broadcast, airing.broadcast_id, with_for_update=True, populate_existing=True)
    return found if found.state == BroadcastState.PLANNED else None


def _is_settled(airing: BulletinAiring, at: datetime.datetime) -> bool:
    return airing.first != First.UNDECIDED and airing.decide_by is not None and airing.decide_by <= at


def _ask_about(airing: BulletinAiring, rival: Rival | None, at: datetime.datetime) -> None:
    """Ask about these programmes; a decision about the same ones at the same time stays."""
    if rival is None:
        airing.rival, airing.rival_begins, airing.rival_ends = "", None, None
        airing.decide_by, airing.asked_at, airing.first, airing.decided_by = None, None, First.UNDECIDED, ""
        return
    if (airing.rival, airing.rival_begins) != (rival.title, rival.begins):
        airing.asked_at, airing.first, airing.decided_by = at, First.UNDECIDED, ""
    airing.rival, airing.rival_begins, airing.rival_ends = rival.title, rival.begins, rival.ends
    airing.decide_by = min(airing.starts_at, rival.begins) - DECIDED_BEFORE


def _start(airing: BulletinAiring) -> datetime.datetime:
    if airing.rival_begins is None or airing.rival_ends is None or airing.first == First.UNDECIDED:
        return airing.starts_at
    if airing.first == First.COMMUNE:
        return max(airing.starts_at, airing.rival_ends)
    return min(airing.starts_at, airing.rival_begins - _JUST_BEFORE)
