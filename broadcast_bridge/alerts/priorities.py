"""From CAP's urgency, severity and certainty to the three priorities of Circular 39/2020/TT-BTTTT.

The table is monotonic: what is more urgent or more severe never gets a lower priority.
"""

from collections.abc import Iterable

from broadcast_bridge.alerts.cap import Certainty, Info, Severity, Urgency
from broadcast_bridge.broadcasts.states import Priority

_GRAVE = frozenset({Severity.EXTREME, Severity.SEVERE})
_ASCENDING = list(Priority)


def priority_of(urgency: Urgency, severity: Severity, certainty: Certainty) -> Priority:
    """Return the priority: `Immediate` and grave breaks into everything, `Expected` goes ahead, the rest waits.

    What the sender believes will not happen (`Unlikely`) never goes ahead of anything.
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
