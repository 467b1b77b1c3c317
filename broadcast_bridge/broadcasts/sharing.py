"""Recorded broadcasts that several nodes play: each its own speakers, all from the same moment on.

The node that begins one leads it: it closes the broadcast when every part has ended. If it cannot, another one leads.
A broadcast whose speakers are all at one node is not shared, and has no parts.
"""

import datetime
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import (
    BROADCAST,
    DELIVERY,
    BroadcastEvent,
    BroadcastState,
    DeliveryEvent,
    DeliveryState,
    Kind,
    Reason,
)
from broadcast_bridge.models import Broadcast, BroadcastPart, Delivery, Speaker
from haichieu.nodes import database_time, nodes_up

log = structlog.get_logger()

AGREED = datetime.timedelta(seconds=1)
"""A shared broadcast begins this long after it was claimed: every node has called its speakers by then."""
_NODE_FAILED = (Reason.ASTERISK_STOPPED, Reason.STATION_STOPPED, Reason.SWITCHBOARD_RESTARTED)

BEGUN = (BroadcastState.CALLING, BroadcastState.ON_AIR)


def share_out(session: Session, broadcast: Broadcast, node: str) -> None:
    """Give the other nodes that are up their parts of a broadcast which `node` has begun, if they have any speakers.

    A live voice is for those that can be called.
    """
    up = {one.name for one in nodes_up(session) if one.sip or broadcast.kind == Kind.RECORDED} - {node}
    if not up:
        return
    served = session.execute(
        sa.select(Delivery.id, Speaker.node)
        .join(Delivery.speaker)
        .where(
            Delivery.broadcast_id == broadcast.id,
            Delivery.active,
            Speaker.reachable,
            Speaker.multicast == "",
            Speaker.node.in_(up),
        )
    ).all()
    if not served:
        return
    by_node: dict[str, list[int]] = defaultdict(list)
    for delivery_id, theirs in served:
        by_node[theirs].append(delivery_id)
    at = database_time(session)
    broadcast.starts_at = at + AGREED
    session.execute(sa.update(Delivery).where(Delivery.broadcast_id == broadcast.id).values(node=node))
    for theirs, deliveries in by_node.items():
        session.execute(sa.update(Delivery).where(Delivery.id.in_(deliveries)).values(node=theirs))
        session.add(BroadcastPart(broadcast_id=broadcast.id, node=theirs))
    session.add(BroadcastPart(broadcast_id=broadcast.id, node=node, begun_at=at))
    session.flush()
    session.expire(broadcast, ["deliveries"])
    log.info("broadcast.shared", broadcast=broadcast.id, nodes=sorted(by_node), starts_at=broadcast.starts_at)


def relays_of(session: Session, broadcast: Broadcast, node: str) -> Sequence[str]:
    """Return the other nodes to which this one passes a live voice on; none if it does not have the official."""
    if broadcast.kind != Kind.LIVE or broadcast.starts_at is None or broadcast.node != node:
        return ()
    return session.scalars(
        sa.select(BroadcastPart.node)
        .where(BroadcastPart.broadcast_id == broadcast.id, BroadcastPart.node != node)
        .order_by(BroadcastPart.node)
    ).all()


def parts_to_begin(session: Session, node: str) -> Sequence[int]:
    """Return the broadcasts of which this node has to begin its part."""
    return session.scalars(_to_begin(node).order_by(BroadcastPart.broadcast_id)).all()


def has_work(session: Session, node: str) -> bool:
    """Return whether this node has a part to begin, or a speaker to serve that has come from another node."""
    return bool(parts_to_begin(session, node)) or session.scalar(_arrivals(node).limit(1)) is not None


def begin_parts(session: Session, node: str) -> Sequence[int]:
    """Begin the parts of this node, and return their broadcasts."""
    numbers = parts_to_begin(session, node)
    if not numbers:
        return ()
    return session.scalars(
        sa.update(BroadcastPart)
        .where(BroadcastPart.node == node, BroadcastPart.broadcast_id.in_(numbers), BroadcastPart.begun_at.is_(None))
        .values(begun_at=database_time(session))
        .returning(BroadcastPart.broadcast_id)
    ).all()


def begun_by(session: Session, node: str) -> Sequence[int]:
    """Return the open broadcasts that a node leads, or of which it has begun its part."""
    part = sa.exists().where(
        BroadcastPart.broadcast_id == Broadcast.id,
        BroadcastPart.node == node,
        BroadcastPart.begun_at.is_not(None),
        BroadcastPart.ended_at.is_(None),
    )
    found = sa.select(Broadcast.id).where(Broadcast.state.in_(BEGUN), (Broadcast.node == node) | part)
    return session.scalars(found.order_by(Broadcast.id)).all()


def opens(session: Session, broadcast_id: int, at: datetime.datetime) -> None:
    """Set a shared broadcast on air, unless another node was first."""
    session.execute(
        sa.update(Broadcast)
        .where(Broadcast.id == broadcast_id, Broadcast.state == BroadcastState.CALLING)
        .values(state=BROADCAST.after(BroadcastState.CALLING, BroadcastEvent.OPEN), on_air_at=at)
    )


def sounds_from(session: Session, broadcast_id: int, at: datetime.datetime) -> None:
    """Record when the sounds of a shared broadcast begin, which is the same moment for every node."""
    session.execute(
        sa.update(Broadcast).where(Broadcast.id == broadcast_id, Broadcast.live_at.is_(None)).values(live_at=at)
    )


def end_part(session: Session, broadcast_id: int, node: str, *, broke_off: Reason | None) -> bool:
    """End the part of a node; return whether this node has to close the broadcast.

    If its part `broke_off`, another node leads from now on. If the node itself failed, its speakers may register
    elsewhere, or here again, for the rest.
    """
    broadcast = session.get_one(Broadcast, broadcast_id, with_for_update=True)
    if broadcast.starts_at is None:
        return True
    session.execute(
        sa.update(BroadcastPart)
        .where(BroadcastPart.broadcast_id == broadcast_id, BroadcastPart.node == node)
        .values(ended_at=database_time(session))
    )
    if broadcast.state not in BEGUN:
        return False
    leads, others = broadcast.node == node, open_parts(session, broadcast_id, node)
    if broadcast.kind == Kind.LIVE:
        if broke_off is not None and not leads:
            _give_up(session, broadcast_id, node, broke_off)
        return leads
    if broke_off is not None and others:
        if broke_off in _NODE_FAILED:
            _release(session, broadcast_id, node, broke_off)
        else:
            _give_up(session, broadcast_id, node, broke_off)
        if leads:
            broadcast.node = others[0]
            log.warning("broadcast.handed_over", broadcast=broadcast_id, to=others[0], reason=str(broke_off))
        return False
    return leads


def open_parts(session: Session, broadcast_id: int, besides: str) -> Sequence[str]:
    """Return the other nodes that are up and have not ended their part, by name."""
    up = {one.name for one in nodes_up(session)}
    parts = sa.select(BroadcastPart.node).where(
        BroadcastPart.broadcast_id == broadcast_id,
        BroadcastPart.ended_at.is_(None),
        BroadcastPart.node.in_(up - {besides}),
    )
    return session.scalars(parts.order_by(BroadcastPart.node)).all()


def left_alone(session: Session, on_air: Collection[int]) -> Mapping[int, bool]:
    """Return those of these shared broadcasts that have no speaker left, and whether others took the speakers."""
    if not on_air:
        return {}
    taken = sa.exists().where(Delivery.broadcast_id == Broadcast.id, Delivery.state == DeliveryState.PRE_EMPTED)
    found = session.execute(
        sa.select(Broadcast.id, taken).where(
            Broadcast.id.in_(on_air),
            Broadcast.starts_at.is_not(None),
            ~sa.exists().where(Delivery.broadcast_id == Broadcast.id, Delivery.active),
        )
    )
    return {number: bool(was_taken) for number, was_taken in found}


def closed_elsewhere(session: Session, on_air: Collection[int]) -> Sequence[int]:
    """Return those of these shared broadcasts that their leader has closed, or whose live voice has ended."""
    if not on_air:
        return ()
    voice_is_off = sa.exists().where(
        Broadcast.kind == Kind.LIVE,
        BroadcastPart.broadcast_id == Broadcast.id,
        BroadcastPart.node == Broadcast.node,
        BroadcastPart.ended_at.is_not(None),
    )
    return session.scalars(
        sa.select(Broadcast.id).where(
            Broadcast.id.in_(on_air), Broadcast.starts_at.is_not(None), Broadcast.state.not_in(BEGUN) | voice_is_off
        )
    ).all()


def moved_away(session: Session, on_air: Collection[int], node: str) -> Mapping[int, Sequence[int]]:
    """Return, by broadcast, the deliveries whose speakers have registered at another node, which serves them now."""
    found: dict[int, list[int]] = defaultdict(list)
    if on_air:
        rows = session.execute(
            sa.select(Delivery.broadcast_id, Delivery.id).where(
                Delivery.broadcast_id.in_(on_air), Delivery.active, Delivery.node.not_in(["", node])
            )
        )
        for broadcast_id, delivery_id in rows:
            found[broadcast_id].append(delivery_id)
    return found


def _arrivals(node: str) -> sa.Select[Delivery]:
    """Select the open deliveries of shared broadcasts whose speakers are here, and that another node serves, or none.

    The speakers have registered here since; or they are still here, and the part of this node broke off.
    """
    return (
        sa.select(Delivery)
        .join(Delivery.broadcast)
        .join(Delivery.speaker)
        .where(
            Delivery.active,
            Broadcast.starts_at.is_not(None),
            Broadcast.state.in_(BEGUN),
            Broadcast.kind == Kind.RECORDED,
            Speaker.reachable,
            Speaker.multicast == "",
            Speaker.node == node,
            Delivery.node != node,
        )
        .order_by(Delivery.id)
    )


def take_arrivals(session: Session, node: str) -> Mapping[int, Sequence[int]]:
    """Serve the speakers that have registered here: return the deliveries for parts that run, by broadcast.

    A part that has ended, or that this node does not have yet, is begun again.
    """
    found: dict[int, list[int]] = defaultdict(list)
    for delivery in session.scalars(_arrivals(node).with_for_update(of=Delivery, skip_locked=True)).all():
        if delivery.state in (DeliveryState.PLAYING, DeliveryState.RINGING):
            delivery.state = DELIVERY.after(DeliveryState(delivery.state), DeliveryEvent.DROP)
        delivery.node, delivery.reason = node, None
        found[delivery.broadcast_id].append(delivery.id)
    session.flush()
    for broadcast_id in found:
        part = session.scalar(
            sa.select(BroadcastPart).where(BroadcastPart.broadcast_id == broadcast_id, BroadcastPart.node == node)
        )
        if part is None:
            session.add(BroadcastPart(broadcast_id=broadcast_id, node=node))
        elif part.ended_at is not None:
            part.begun_at = part.ended_at = None
    if found:
        log.info("broadcast.speakers_moved_here", deliveries=dict(found))
    return found


def _to_begin(node: str) -> sa.Select[int]:
    return (
        sa.select(BroadcastPart.broadcast_id)
        .join(Broadcast, Broadcast.id == BroadcastPart.broadcast_id)
        .where(
            BroadcastPart.node == node,
            BroadcastPart.begun_at.is_(None),
            BroadcastPart.ended_at.is_(None),
            Broadcast.state.in_(BEGUN),
        )
    )


def _release(session: Session, broadcast_id: int, node: str, reason: Reason) -> None:
    """Leave the speakers of a part that broke off to whichever node they register at."""
    for delivery in session.scalars(
        sa.select(Delivery).where(Delivery.broadcast_id == broadcast_id, Delivery.node == node, Delivery.active)
    ):
        if delivery.state in (DeliveryState.PLAYING, DeliveryState.RINGING):
            delivery.state = DELIVERY.after(DeliveryState(delivery.state), DeliveryEvent.DROP)
        delivery.node, delivery.reason = "", reason


def _give_up(session: Session, broadcast_id: int, node: str, reason: Reason) -> None:
    """Close the deliveries of a part that cannot be played, for example without its sound."""
    at = database_time(session)
    for delivery in session.scalars(
        sa.select(Delivery).where(Delivery.broadcast_id == broadcast_id, Delivery.node == node, Delivery.active)
    ):
        event = DeliveryEvent.FAIL if delivery.state == DeliveryState.PLAYING else DeliveryEvent.MISS
        delivery.state = DELIVERY.after(DeliveryState(delivery.state), event)
        delivery.active, delivery.reason, delivery.ended_at = False, reason, at
