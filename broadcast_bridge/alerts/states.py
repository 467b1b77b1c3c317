"""State machine of alerts."""

from enum import StrEnum

from haichieu.state_machine import StateMachine


class AlertState(StrEnum):
    """States of an authentic alert."""

    RECEIVED = "received"
    AIRING = "airing"
    AIRED = "aired"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"
    NOTED = "noted"


class AlertEvent(StrEnum):
    """Events of an alert."""

    AIR = "air"
    FINISH = "finish"
    SUPERSEDE = "supersede"
    CANCEL = "cancel"
    EXPIRE = "expire"
    REFUSE = "refuse"
    NOTE = "note"


_S, _E = AlertState, AlertEvent
ALERT = StateMachine(
    "alert",
    _S.RECEIVED,
    {
        (_S.RECEIVED, _E.AIR): _S.AIRING,
        (_S.RECEIVED, _E.SUPERSEDE): _S.SUPERSEDED,
        (_S.RECEIVED, _E.CANCEL): _S.CANCELLED,
        (_S.RECEIVED, _E.EXPIRE): _S.EXPIRED,
        (_S.RECEIVED, _E.REFUSE): _S.REFUSED,
        # Stored without a broadcast: an acknowledgement, an exercise, a cancel of an alert that was never broadcast.
        (_S.RECEIVED, _E.NOTE): _S.NOTED,
        (_S.AIRING, _E.FINISH): _S.AIRED,
        (_S.AIRING, _E.SUPERSEDE): _S.SUPERSEDED,
        (_S.AIRING, _E.CANCEL): _S.CANCELLED,
        (_S.AIRING, _E.EXPIRE): _S.EXPIRED,
        (_S.AIRED, _E.SUPERSEDE): _S.SUPERSEDED,
        (_S.AIRED, _E.CANCEL): _S.CANCELLED,
    },
)

OUT_OF_FORCE = (AlertState.SUPERSEDED, AlertState.CANCELLED, AlertState.EXPIRED)
"""States in which nothing of an alert may be on air any more."""
