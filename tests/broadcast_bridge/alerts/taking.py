"""Alerts as the station receives and airs them."""

import datetime

from sqlalchemy.orm import Session

from broadcast_bridge.alerts import broadcasting
from broadcast_bridge.alerts.decisions import Decision, receive
from broadcast_bridge.alerts.models import AlertSource
from broadcast_bridge.broadcasts.states import BroadcastState
from broadcast_bridge.models import Broadcast
from tests.broadcast_bridge.alerts.messages import (
    NOW,
    reference,
    with_secret,
)

FIRST = reference("CB-2026-001")


def take(session: Session, who: AlertSource, document: bytes, at: datetime.datetime = NOW) -> Decision:
    """Receive a document from a source, with its secret."""
    return receive(session, who, document, with_secret(document), at)


def put_on_air(session: Session, decision: Decision, official_id: int) -> Broadcast:
    """Put an alert on air."""
    assert decision.alert is not None
    broadcast = Broadcast(
        official_id=official_id, zone_names=decision.alert.areas, state=BroadcastState.ON_AIR, created_at=NOW
    )
    session.add(broadcast)
    session.flush()
    broadcasting.put_on_air(session, decision.alert, broadcast.id)
    return broadcast
