"""Speakers that a more urgent broadcast took from a running one, and their return when they are free."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, contains_eager

from broadcast_bridge.broadcasts.states import DELIVERY, BroadcastState, DeliveryEvent, DeliveryState, Reason
from broadcast_bridge.models import Broadcast, Delivery


def taken_away(session: Session, on_air: Collection[int]) -> Mapping[int, Sequence[int]]:
    """Return, by broadcast, the deliveries whose speakers were taken from these broadcasts."""
    return _by_broadcast(session.scalars(_taken(on_air))) if on_air else {}


def give_back(session: Session, on_air: Collection[int], node: str) -> Mapping[int, Sequence[int]]:
    """Set the deliveries of this node whose speakers have become free to `pending` again, and return them.

    A speaker that several broadcasts have lost returns to the most urgent of them.
    """
    given: dict[int, Delivery] = {}
    for delivery in sorted(free(session, on_air, node), key=lambda one: (-one.broadcast.precedence, one.id)):
        given.setdefault(delivery.speaker_id, delivery)
    for delivery in given.values():
        delivery.state = DELIVERY.after(DeliveryState(delivery.state), DeliveryEvent.RETURN)
        delivery.active, delivery.reason, delivery.ended_at = True, None, None
    session.flush()
    return _by_broadcast(given.values())


def free(session: Session, on_air: Collection[int], node: str) -> Sequence[Delivery]:
    """Return the deliveries of this node that were taken from these broadcasts and whose speakers are free again."""
    if not on_air:
        return ()
    busy = aliased(Delivery)
    return session.scalars(
        _taken(on_air)
        .where(
            Broadcast.state == BroadcastState.ON_AIR,
            Delivery.node.in_(["", node]),
            ~sa.exists().where(busy.speaker_id == Delivery.speaker_id, busy.active),
        )
        .options(contains_eager(Delivery.broadcast))
    ).all()


def _taken(on_air: Collection[int]) -> sa.Select[Delivery]:
    return (
        sa.select(Delivery)
        .join(Delivery.broadcast)
        .where(
            Delivery.broadcast_id.in_(on_air),
            Delivery.state == DeliveryState.PRE_EMPTED,
            Delivery.reason == Reason.PRE_EMPTED,
        )
        .order_by(Delivery.id)
    )


def _by_broadcast(deliveries: Collection[Delivery] | sa.ScalarResult[Delivery]) -> Mapping[int, Sequence[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for delivery in deliveries:
        found[delivery.broadcast_id].append(delivery.id)
    return found
