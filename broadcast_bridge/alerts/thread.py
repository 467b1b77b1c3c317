"""Threads of updates and cancellations: which messages of a sender replace which.

A thread contains all messages that are connected by `references`, whether a message names the first alert, the previous
one or all of them, and whether or not the named ones have arrived. Within a thread an update or cancel replaces
everything sent before it. A message may join two threads that were separate until then, so the whole thread is examined
each time. Threads never cross sources, nor exercises and actual alerts.
"""

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from broadcast_bridge.alerts.cap import MessageType, Reference
from broadcast_bridge.alerts.models import AlertReference, CapAlert
from broadcast_bridge.alerts.states import ALERT, AlertEvent, AlertState

_REPLACE = (MessageType.UPDATE, MessageType.CANCEL)
_REPLACEABLE = frozenset(
    state for state in ALERT.states if {(state, AlertEvent.CANCEL), (state, AlertEvent.SUPERSEDE)} <= set(ALERT.table)
)
_NAMES_A_QUERY = 500
"""Each name takes three parameters, and SQLite allows 32,766 of them."""


def thread_of(session: Session, row: CapAlert) -> list[CapAlert]:
    """Return the other accepted messages of a message's thread, in no order."""
    found: dict[int, CapAlert] = {}
    known: set[Reference] = set()
    to_ask = [_name(row), *_names_in(row)]
    while to_ask:
        asked, to_ask = to_ask[:_NAMES_A_QUERY], to_ask[_NAMES_A_QUERY:]
        known.update(asked)
        for other in session.scalars(_naming_or_named(row, asked)):
            if other.id not in found:
                found[other.id] = other
                to_ask += [name for name in (_name(other), *_names_in(other)) if name not in known]
        to_ask = list(dict.fromkeys(to_ask))
    return list(found.values())


def replaced_in(thread: list[CapAlert]) -> list[tuple[CapAlert, CapAlert]]:
    """Return each replaced message of a whole thread together with the newest message that replaces it."""
    pairs = []
    for message in thread:
        if message.state in _REPLACEABLE:
            later = [other for other in thread if _replaces(other, message)]
            pairs += [(message, max(later, key=lambda other: other.sent))] if later else []
    return pairs


def _replaces(later: CapAlert, earlier: CapAlert) -> bool:
    if later.message_type not in _REPLACE or later is earlier:
        return False
    if earlier.message_type == later.message_type == MessageType.CANCEL:
        return False  # both give the all-clear, which must still be broadcast
    return later.sent > earlier.sent or (later.sent == earlier.sent and _name(earlier) in _names_in(later))


def _naming_or_named(row: CapAlert, names: list[Reference]) -> sa.Select[CapAlert]:
    wanted = [(name.sender, name.identifier, name.sent) for name in names]
    own = sa.tuple_(CapAlert.sender, CapAlert.identifier, CapAlert.sent)
    named = sa.tuple_(AlertReference.sender, AlertReference.identifier, AlertReference.sent)
    return (
        sa.select(CapAlert)
        .where(
            CapAlert.source_id == row.source_id,
            CapAlert.sender == row.sender,
            CapAlert.status == row.status,
            CapAlert.state != AlertState.REFUSED,
            CapAlert.id != row.id,
            own.in_(wanted) | CapAlert.id.in_(sa.select(AlertReference.alert_id).where(named.in_(wanted))),
        )
        .options(selectinload(CapAlert.references))
    )


def _name(row: CapAlert) -> Reference:
    return Reference(row.sender, row.identifier, row.sent)


def _names_in(row: CapAlert) -> list[Reference]:
    return [Reference(name.sender, name.identifier, name.sent) for name in row.references]
