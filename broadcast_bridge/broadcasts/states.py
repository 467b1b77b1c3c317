"""States of broadcasts and deliveries, and the reasons why one did not go as planned."""

from collections.abc import Sequence
from enum import StrEnum
from typing import overload

from haichieu.locale import Message
from haichieu.state_machine import StateMachine


class BroadcastState(StrEnum):
    """States of one airing."""

    PLANNED = "planned"
    CALLING = "calling"
    ON_AIR = "on_air"
    ENDED = "ended"
    CANCELLED = "cancelled"
    FAILED = "failed"
    PRE_EMPTED = "pre_empted"


class Kind(StrEnum):
    """Source of the sound of a broadcast."""

    LIVE = "live"
    RECORDED = "recorded"


class AfterCut(StrEnum):
    """How a recorded broadcast continues at a speaker that a more urgent one has taken."""

    RESUME = "resume"
    AGAIN = "again"
    DROP = "drop"


class Synthetic(StrEnum):
    """How much of a recorded broadcast a synthetic voice speaks (Decree 142/2026, art. 17); a live voice is human."""

    NONE = ""
    PART = "part"
    ALL = "all"

    @classmethod
    def of(cls, marks: Sequence[bool]) -> "Synthetic":
        """Return it for sounds of which some are synthetic."""
        return cls.NONE if not any(marks) else cls.ALL if all(marks) else cls.PART


class BroadcastEvent(StrEnum):
    """Events of a broadcast."""

    CALL_SPEAKERS = "call_speakers"
    OPEN = "open"
    END = "end"
    CANCEL = "cancel"
    FAIL = "fail"
    PRE_EMPT = "pre_empt"


class DeliveryState(StrEnum):
    """States of one broadcast at one speaker."""

    PENDING = "pending"
    RINGING = "ringing"
    PLAYING = "playing"
    PLAYED = "played"
    MISSED = "missed"
    FAILED = "failed"
    PRE_EMPTED = "pre_empted"
    CAUGHT_UP = "caught_up"


class DeliveryEvent(StrEnum):
    """Events of a delivery."""

    RING = "ring"
    PLAY = "play"
    DROP = "drop"
    FINISH = "finish"
    MISS = "miss"
    FAIL = "fail"
    PRE_EMPT = "pre_empt"
    RETURN = "return"
    CATCH_UP = "catch_up"


class Priority(StrEnum):
    """The three priorities of Circular 39/2020/TT-BTTTT, lowest first."""

    NORMAL = "normal"
    PRIORITY = "priority"
    EMERGENCY = "emergency"


def precedence(kind: Kind, priority: Priority) -> int:
    """Return the rank for taking speakers: emergency above live voice above `priority` above `normal`."""
    if priority is Priority.EMERGENCY:
        return 3
    return 2 if kind is Kind.LIVE else int(priority is Priority.PRIORITY)


class Reason(StrEnum):
    """Why a broadcast or a delivery did not go as asked; `reason_message` has the words."""

    NOT_REGISTERED = "not_registered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REFUSED = "refused"
    DO_NOT_DISTURB = "do_not_disturb"
    NO_COMMON_CODEC = "no_common_codec"
    FORWARDED = "forwarded"
    UNREACHABLE = "unreachable"
    DEVICE_ERROR = "device_error"
    NO_LINE = "no_line"
    DROPPED = "dropped"
    WENT_SILENT = "went_silent"
    HOLDS = "holds"
    NO_SPEAKERS = "no_speakers"
    CALLER_LEFT = "caller_left"
    CALLER_HOLDS = "caller_holds"
    SWITCHBOARD_RESTARTED = "switchboard_restarted"
    ASTERISK_STOPPED = "asterisk_stopped"
    STATION_STOPPED = "station_stopped"
    NODE_LOST = "node_lost"
    TIME_LIMIT = "time_limit"
    IN_USE = "in_use"
    PRE_EMPTED = "pre_empted"
    STOPPED = "stopped"
    TOO_LATE = "too_late"
    ACKNOWLEDGED = "acknowledged"
    NO_SOUND = "no_sound"
    SILENCED = "silenced"
    QUIET_HOURS = "quiet_hours"
    HEARD_IN_PART = "heard_in_part"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    NOT_APPROVED = "not_approved"
    NOT_ALLOWED = "not_allowed"
    ALERT_OVER = "alert_over"
    SCHEDULE_REMOVED = "schedule_removed"
    INTERNAL_ERROR = "internal_error"


@overload
def reason_message(reason: str) -> Message: ...
@overload
def reason_message(reason: None) -> None: ...
@overload
def reason_message(reason: str | None) -> Message | None: ...
def reason_message(reason: str | None) -> Message | None:
    """Return a reason as words for a sentence."""
    return None if reason is None else Message(f"broadcast.reason.{Reason(reason)}")


_B, _BE = BroadcastState, BroadcastEvent
BROADCAST = StateMachine(
    "broadcast",
    _B.PLANNED,
    {
        (_B.PLANNED, _BE.CALL_SPEAKERS): _B.CALLING,
        (_B.PLANNED, _BE.CANCEL): _B.CANCELLED,
        (_B.PLANNED, _BE.FAIL): _B.FAILED,
        (_B.CALLING, _BE.OPEN): _B.ON_AIR,
        (_B.CALLING, _BE.CANCEL): _B.CANCELLED,
        (_B.CALLING, _BE.FAIL): _B.FAILED,
        (_B.CALLING, _BE.PRE_EMPT): _B.PRE_EMPTED,
        (_B.ON_AIR, _BE.END): _B.ENDED,
        (_B.ON_AIR, _BE.FAIL): _B.FAILED,
        (_B.ON_AIR, _BE.PRE_EMPT): _B.PRE_EMPTED,
    },
)

_D, _DE = DeliveryState, DeliveryEvent
DELIVERY = StateMachine(
    "delivery",
    _D.PENDING,
    {
        (_D.PENDING, _DE.RING): _D.RINGING,
        (_D.PENDING, _DE.MISS): _D.MISSED,
        (_D.PENDING, _DE.FAIL): _D.FAILED,
        (_D.PENDING, _DE.PRE_EMPT): _D.PRE_EMPTED,
        (_D.RINGING, _DE.PLAY): _D.PLAYING,
        (_D.RINGING, _DE.DROP): _D.PENDING,
        (_D.RINGING, _DE.MISS): _D.MISSED,
        (_D.RINGING, _DE.FAIL): _D.FAILED,
        (_D.RINGING, _DE.PRE_EMPT): _D.PRE_EMPTED,
        (_D.PLAYING, _DE.DROP): _D.PENDING,
        (_D.PLAYING, _DE.FINISH): _D.PLAYED,
        (_D.PLAYING, _DE.FAIL): _D.FAILED,
        (_D.PLAYING, _DE.PRE_EMPT): _D.PRE_EMPTED,
        # A speaker returns to a running broadcast as soon as the more urgent one is over.
        (_D.PRE_EMPTED, _DE.RETURN): _D.PENDING,
        (_D.MISSED, _DE.CATCH_UP): _D.CAUGHT_UP,
        (_D.FAILED, _DE.CATCH_UP): _D.CAUGHT_UP,
        (_D.PRE_EMPTED, _DE.CATCH_UP): _D.CAUGHT_UP,
        # A speaker that heard everything has played it, also when it dropped out or was taken at the very end. One that
        # heard a part has failed; one that never played was missed.
        (_D.PENDING, _DE.FINISH): _D.PLAYED,
        (_D.RINGING, _DE.FINISH): _D.PLAYED,
        (_D.PRE_EMPTED, _DE.FINISH): _D.PLAYED,
    },
)
