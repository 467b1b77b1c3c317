"""Mapping of CAP's urgency, severity and certainty to the priorities of Circular 39/2020/TT-BTTTT.

The mapping is monotonic: an alert that is more urgent or more severe never gets a lower priority.
"""

from collections.abc import Iterable

from broadcast_bridge.alerts.cap import Certainty, Info, Severity, Urgency
from broadcast_bridge.broadcasts.states import Priority

_GRAVE = frozenset({Severity.EXTREME, Severity.SEVERE})
_ASCENDING = list(Priority)


def priority_of(urgency: Urgency, severity: Severity, certainty: Certainty) -> Priority:
    """Return the priority: `Immediate` and severe is an emergency, `Expected` has priority, the rest is normal.

    An alert that the sender considers `Unlikely` is always normal.
    """
    if certainty is Certainty.UNLIKELY:
        return Priority.NORMAL
    if urgency is Urgency.IMMEDIATE:
        return Priority.EMERGENCY if severity in _GRAVE else Priority.PRIORITY
    return Priority.PRIORITY if urgency is Urgency.EXPECTED else Priority.NORMAL


def highest_of(infos: Iterable[Info], limit: Priority) -> Priority:
    """Return the highest priority among the infos, but not more than `limit`."""
    found = max((priority_of(info.urgency, info.severity, info.certainty) for info in infos), key=_ASCENDING.index)
    return min(found, limit, key=_ASCENDING.index)
