"""Which messages of one sender replace which: the thread that updates and cancels make of alerts.

A message replaces what it names in `references`, and every earlier update of the same thing, so that a sender who
names only the first alert is understood too. Sources never reach into each other's threads, nor exercises into
actual alerts.
"""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.cap import MessageType
from broadcast_bridge.alerts.models import AlertReference, CapAlert
from broadcast_bridge.alerts.states import ALERT, AlertEvent, AlertState

_REPLACE = (str(MessageType.UPDATE), str(MessageType.CANCEL))
_REPLACEABLE = [
    str(state)
    for state in ALERT.states
    if {(state, AlertEvent.CANCEL), (state, AlertEvent.SUPERSEDE)} <= set(ALERT.table)
]


def replaced_by(session: Session, row: CapAlert) -> list[CapAlert]:
    """Return the earlier messages that a new one replaces and that are still in force."""
    if row.message_type not in _REPLACE:
        return []
    names = sa.tuple_(CapAlert.sender, CapAlert.identifier, CapAlert.sent)
    named = names.in_([(name.sender, name.identifier, name.sent) for name in row.references])
    sibling = (
        CapAlert.id.in_(_ids_that_name_the_same(row))
        & (CapAlert.sent < row.sent)
        & (CapAlert.message_type == MessageType.UPDATE)
    )
    found = session.scalars(_same_thread(row).where(CapAlert.state.in_(_REPLACEABLE), named | sibling))
    return [earlier for earlier in found if earlier.message_type != MessageType.CANCEL]


def that_replaces(session: Session, row: CapAlert) -> CapAlert | None:
    """Return the message that was sent later, arrived earlier, and replaces this one; a cancel before an update."""
    names_it = sa.select(AlertReference.alert_id).where(
        AlertReference.sender == row.sender,
        AlertReference.identifier == row.identifier,
        AlertReference.sent == row.sent,
    )
    ways: list[sa.ColumnElement[bool]] = [CapAlert.id.in_(names_it)]
    if row.message_type in _REPLACE:
        ways.append(CapAlert.id.in_(_ids_that_name_the_same(row)) & (CapAlert.sent > row.sent))
    found = session.scalars(
        _same_thread(row).where(
            CapAlert.message_type.in_(_REPLACE), CapAlert.state != AlertState.REFUSED, sa.or_(*ways)
        )
    ).all()
    return max(found, key=lambda later: (later.message_type == MessageType.CANCEL, later.sent), default=None)


def _same_thread(row: CapAlert) -> sa.Select[CapAlert]:
    return sa.select(CapAlert).where(
        CapAlert.source_id == row.source_id,
        CapAlert.sender == row.sender,
        CapAlert.status == row.status,
        CapAlert.id != row.id,
    )


def _ids_that_name_the_same(row: CapAlert) -> sa.Select[int]:
    names = sa.tuple_(AlertReference.sender, AlertReference.identifier, AlertReference.sent)
    wanted = [(name.sender, name.identifier, name.sent) for name in row.references]
    return sa.select(AlertReference.alert_id).where(names.in_(wanted))
