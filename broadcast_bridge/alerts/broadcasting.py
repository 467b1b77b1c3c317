"""Queries and transitions of alerts on air: those that are due, that were broadcast, and that must stop.

Everything is derived from the rows, so that a restarted studio continues where it was.
"""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.models import CapAlert, DecisionKind
from broadcast_bridge.alerts.states import ALERT, OUT_OF_FORCE, AlertEvent, AlertState
from broadcast_bridge.broadcasts.states import BROADCAST, Priority
from broadcast_bridge.models import Broadcast
from haichieu import audit
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.locale import message

_SPOKEN = (DecisionKind.AIR, DecisionKind.UPDATE, DecisionKind.CANCEL)
_ASCENDING = [str(priority) for priority in Priority]


def due(session: Session, at: datetime.datetime) -> list[CapAlert]:
    """Return the alerts to be broadcast now, the most urgent first and then in the order in which they were sent."""
    found = session.scalars(
        sa.select(CapAlert)
        .where(
            CapAlert.state == AlertState.RECEIVED,
            CapAlert.decision.in_(_SPOKEN),
            CapAlert.not_before <= at,
            CapAlert.expires_at > at,
        )
        .order_by(CapAlert.sent, CapAlert.id)
    )
    return sorted(found, key=lambda alert: -_ASCENDING.index(alert.priority))


def broadcasts_to_stop(session: Session, at: datetime.datetime) -> list[int]:
    """Return the broadcasts of which something may be left and whose alert was replaced, cancelled or has expired."""
    still_open = [str(state) for state in BROADCAST.states if state not in BROADCAST.final_states]
    left = Broadcast.state.in_(still_open) | (Broadcast.worth_hearing_until > at)
    return list(
        session.scalars(
            sa.select(Broadcast.id)
            .join(CapAlert, CapAlert.broadcast_id == Broadcast.id)
            .where(CapAlert.state.in_(OUT_OF_FORCE), left)
            .distinct()
            .order_by(Broadcast.id)
        )
    )


def put_on_air(session: Session, alert: CapAlert, broadcast_id: int) -> None:
    """Record the broadcast of an alert. Raises IllegalTransition when the alert was cancelled meanwhile."""
    _advance(session, alert, AlertEvent.AIR)
    alert.broadcast_id = broadcast_id
    audit.record(
        session,
        f"alert-source:{alert.source.code}",
        "alert.on-air",
        f"cap-alert:{alert.id}",
        broadcast=broadcast_id,
    )


def finish(session: Session, alert: CapAlert) -> None:
    """Record the end of the broadcast. Does nothing for an alert that was stopped meanwhile."""
    if alert.state == AlertState.AIRING:
        _advance(session, alert, AlertEvent.FINISH)


def expire(session: Session, at: datetime.datetime) -> list[CapAlert]:
    """Close the alerts that have expired, and return them; one that was never broadcast raises an alarm."""
    over = session.scalars(
        sa.select(CapAlert)
        .where(CapAlert.state.in_([AlertState.RECEIVED, AlertState.AIRING]), CapAlert.expires_at <= at)
        .order_by(CapAlert.id)
    ).all()
    for alert in over:
        if alert.state == AlertState.RECEIVED:
            raise_alarm(
                session,
                AlarmKind.ALERT_NOT_AIRED,
                f"cap-alert:{alert.id}",
                message("alert.expired_unheard", identifier=alert.identifier),
            )
        _advance(session, alert, AlertEvent.EXPIRE)
    return list(over)


def _advance(session: Session, alert: CapAlert, event: AlertEvent) -> None:
    alert.state = ALERT.after(AlertState(alert.state), event)
    session.flush()
