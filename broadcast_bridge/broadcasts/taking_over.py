"""Broadcasts of a node that is down, taken over by another one: what its speakers have not heard is played elsewhere.

The first by name of the nodes that are up does it. A broadcast that others play too gets another leader. A recording
that only the lost node played continues at the same position, for the speakers that register elsewhere. A live voice
is lost with its node.
"""

from collections.abc import Collection

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import broadcast_lifecycle, sharing
from broadcast_bridge.broadcasts.states import Kind, Reason
from broadcast_bridge.models import Broadcast, BroadcastPart, Speaker
from broadcast_bridge.speakers import reachability
from haichieu.database import now
from haichieu.nodes import database_time, nodes_lost, nodes_up

log = structlog.get_logger()


def has_work(session: Session, node: str) -> bool:
    """Return whether `take_over` would do anything."""
    lost = _lost(session, node)
    if not lost:
        return False
    here = sa.select(Speaker.id).where(Speaker.reachable, Speaker.node.in_(lost)).limit(1)
    return session.scalar(_of(lost).limit(1)) is not None or session.scalar(here) is not None


def take_over(session: Session, node: str) -> None:
    """Take over what lost nodes have begun, and mark their speakers as unreachable."""
    lost = _lost(session, node)
    if not lost:
        return
    reachability.node_lost(session, lost, now())
    for broadcast in session.scalars(_of(lost).with_for_update(skip_locked=True, of=Broadcast)).all():
        former, others = broadcast.node, sharing.open_parts(session, broadcast.id, broadcast.node)
        is_recorded = broadcast.kind == Kind.RECORDED
        if is_recorded and others:
            broadcast.node = others[0]
        elif is_recorded and broadcast.again_of_id is None:
            _continue_here(session, broadcast, node)
        else:
            broadcast_lifecycle.close_orphan(session, broadcast.id, Reason.NODE_LOST, now())
        log.warning("broadcast.taken_over", broadcast=broadcast.id, lost=former, by=broadcast.node)


def _continue_here(session: Session, broadcast: Broadcast, node: str) -> None:
    at = database_time(session)
    broadcast.node = node
    broadcast.starts_at = broadcast.starts_at or broadcast.on_air_at or at + sharing.AGREED
    part = session.get(BroadcastPart, (broadcast.id, node))
    if part is None:
        session.add(BroadcastPart(broadcast_id=broadcast.id, node=node))
    else:
        part.begun_at = part.ended_at = None
    session.flush()


def _lost(session: Session, node: str) -> Collection[str]:
    """Return the nodes that are down, if `node` is the one that takes over."""
    up = nodes_up(session)
    return nodes_lost(session) if up and up[0].name == node else ()


def _of(lost: Collection[str]) -> sa.Select[Broadcast]:
    return (
        sa.select(Broadcast).where(Broadcast.node.in_(lost), Broadcast.state.in_(sharing.BEGUN)).order_by(Broadcast.id)
    )
