"""End of a broadcast at single speakers, while it continues at the others."""

import datetime
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import DELIVERY, DeliveryEvent, DeliveryState, Reason
from broadcast_bridge.models import Broadcast, Delivery

_ENDS_HERE = (Reason.ACKNOWLEDGED, Reason.STOPPED)


def end_here(deliveries: Collection[Delivery], reason: Reason, at: datetime.datetime) -> None:
    """End active deliveries; the switchboard releases their speakers within a moment.

    One that was playing counts as played; one that had not started is not caught up later.
    """
    for delivery in deliveries:
        playing = delivery.state == DeliveryState.PLAYING or delivery.first_audio_at is not None
        state = DeliveryState.PLAYING if playing else DeliveryState(delivery.state)
        delivery.state = DELIVERY.after(state, DeliveryEvent.FINISH if playing else DeliveryEvent.MISS)
        delivery.active, delivery.reason, delivery.ended_at = False, reason, at
        if not playing and reason is Reason.STOPPED:
            delivery.called_off = reason


def ended_here(session: Session, on_air: Collection[int]) -> Mapping[int, Sequence[int]]:
    """Return the deliveries of these broadcasts that ended at their speakers only; the speakers must be released."""
    found: dict[int, list[int]] = defaultdict(list)
    if not on_air:
        return found
    for delivery in session.scalars(
        sa.select(Delivery)
        .join(Delivery.broadcast)
        .where(Delivery.broadcast_id.in_(on_air), Delivery.reason.in_(_ENDS_HERE), ~Delivery.active)
        .where(Broadcast.stop_asked_at.is_(None))  # one that is stopped as a whole ends by itself
    ):
        found[delivery.broadcast_id].append(delivery.id)
    return found
