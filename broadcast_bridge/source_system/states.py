"""State machine of bulletins of a source system, and the codes that go with them."""

from enum import StrEnum

from haichieu.state_machine import StateMachine


class ContentKind(StrEnum):
    """Content of a bulletin."""

    TEXT = "text"
    AUDIO = "audio"


class BulletinState(StrEnum):
    """States of a bulletin."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    AIRED = "aired"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


class BulletinEvent(StrEnum):
    """Events of a bulletin. Its source changes or withdraws it, the commune declines it, the station refuses it.

    The station returns it to the commune for another time when it could not be aired at the chosen one.
    """

    ACCEPT = "accept"
    SCHEDULE = "schedule"
    RETURN = "return"
    AIR = "air"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    REFUSE = "refuse"
    CHANGE = "change"


class DeviceAction(StrEnum):
    """Commands to devices."""

    VOLUME = "volume"
    STOP = "stop"
    RESTART = "restart"
    STATUS = "status"


class First(StrEnum):
    """The order of a bulletin and a programme of the commune that meet; until it is decided, nobody is first."""

    UNDECIDED = ""
    SOURCE = "source"
    COMMUNE = "commune"


_S, _E = BulletinState, BulletinEvent
BULLETIN = StateMachine(
    "bulletin",
    _S.OFFERED,
    {
        (_S.OFFERED, _E.ACCEPT): _S.ACCEPTED,
        (_S.OFFERED, _E.DECLINE): _S.DECLINED,
        (_S.OFFERED, _E.WITHDRAW): _S.WITHDRAWN,
        (_S.OFFERED, _E.REFUSE): _S.REFUSED,
        (_S.ACCEPTED, _E.SCHEDULE): _S.SCHEDULED,
        (_S.ACCEPTED, _E.AIR): _S.AIRED,
        (_S.ACCEPTED, _E.WITHDRAW): _S.WITHDRAWN,
        (_S.ACCEPTED, _E.REFUSE): _S.REFUSED,
        (_S.SCHEDULED, _E.SCHEDULE): _S.SCHEDULED,
        (_S.SCHEDULED, _E.RETURN): _S.ACCEPTED,
        (_S.SCHEDULED, _E.AIR): _S.AIRED,
        (_S.SCHEDULED, _E.WITHDRAW): _S.WITHDRAWN,
        (_S.SCHEDULED, _E.REFUSE): _S.REFUSED,
        # One that was aired may be aired again, and may be withdrawn for the speakers that would still get it.
        (_S.AIRED, _E.SCHEDULE): _S.AIRED,
        (_S.AIRED, _E.AIR): _S.AIRED,
        (_S.AIRED, _E.WITHDRAW): _S.WITHDRAWN,
        (_S.DECLINED, _E.WITHDRAW): _S.WITHDRAWN,
        (_S.REFUSED, _E.WITHDRAW): _S.WITHDRAWN,
        # Another content under the same id is a new offer, even of one that was refused for a defect or declined.
        (_S.OFFERED, _E.CHANGE): _S.OFFERED,
        (_S.ACCEPTED, _E.CHANGE): _S.OFFERED,
        (_S.SCHEDULED, _E.CHANGE): _S.OFFERED,
        (_S.AIRED, _E.CHANGE): _S.OFFERED,
        (_S.DECLINED, _E.CHANGE): _S.OFFERED,
        (_S.REFUSED, _E.CHANGE): _S.OFFERED,
    },
)

OVER = (BulletinState.DECLINED, BulletinState.WITHDRAWN, BulletinState.REFUSED)
"""States in which nothing is done with a bulletin unless its source changes it."""
IN_FORCE = (BulletinState.ACCEPTED, BulletinState.SCHEDULED, BulletinState.AIRED)
"""States in which a bulletin may be on air."""
