"""What a broadcast and a delivery may do next, and the words for why one did not happen."""

from enum import StrEnum

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
    """Where the sound of a broadcast comes from."""

    LIVE = "live"
    RECORDED = "recorded"


class AfterCut(StrEnum):
    """What becomes of a recorded broadcast at a speaker that something more urgent took away from it."""

    RESUME = "resume"
    AGAIN = "again"
    DROP = "drop"


class BroadcastEvent(StrEnum):
    """What can happen to a broadcast."""

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
    """What can happen to a delivery."""

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
    """Who takes a speaker from whom: an emergency from a live voice, that from `priority`, that from `normal`."""
    if priority is Priority.EMERGENCY:
        return 3
    return 2 if kind is Kind.LIVE else int(priority is Priority.PRIORITY)


class Reason(StrEnum):
    """Why a broadcast or a delivery did not go as asked. `words` says it to a person."""

    NOT_REGISTERED = "not_registered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REFUSED = "refused"
    DROPPED = "dropped"
    NO_SPEAKERS = "no_speakers"
    CALLER_LEFT = "caller_left"
    SWITCHBOARD_RESTARTED = "switchboard_restarted"
    ASTERISK_STOPPED = "asterisk_stopped"
    STATION_STOPPED = "station_stopped"
    TIME_LIMIT = "time_limit"
    IN_USE = "in_use"
    PRE_EMPTED = "pre_empted"
    STOPPED = "stopped"
    TOO_LATE = "too_late"
    ACKNOWLEDGED = "acknowledged"
    NO_SOUND = "no_sound"
    SILENCED = "silenced"
    QUIET_HOURS = "quiet_hours"
    INTERNAL_ERROR = "internal_error"


_WORDS: dict[Reason, tuple[str, str]] = {
    Reason.NOT_REGISTERED: ("cụm loa chưa kết nối về đài", "the speaker is not registered"),
    Reason.NO_ANSWER: ("cụm loa không trả lời", "the speaker did not answer"),
    Reason.BUSY: ("cụm loa đang bận", "the speaker is busy"),
    Reason.REFUSED: ("cụm loa từ chối cuộc gọi", "the speaker refused the call"),
    Reason.DROPPED: ("cụm loa mất kết nối giữa chừng", "the speaker dropped out in the middle"),
    Reason.NO_SPEAKERS: ("không cụm loa nào nghe máy", "no speaker answered"),
    Reason.CALLER_LEFT: ("người nói gác máy trước khi lên sóng", "the caller left before going on air"),
    Reason.SWITCHBOARD_RESTARTED: (
        "tổng đài khởi động lại giữa chừng",
        "the switchboard was restarted in the middle",
    ),
    Reason.ASTERISK_STOPPED: ("Asterisk ngừng giữa chừng", "Asterisk stopped in the middle"),
    Reason.STATION_STOPPED: ("đài được tắt theo lệnh", "the station was shut down"),
    Reason.TIME_LIMIT: ("hết thời gian cho phép", "the time limit was reached"),
    Reason.IN_USE: ("cụm loa đang phát buổi khác", "the speaker was in another broadcast"),
    Reason.PRE_EMPTED: ("nhường cho buổi phát ưu tiên hơn", "gave way to a more urgent broadcast"),
    Reason.STOPPED: ("được dừng theo lệnh", "stopped by order"),
    Reason.ACKNOWLEDGED: ("người phụ trách tại chỗ đã nhận tin", "an official on the spot has taken notice"),
    Reason.TOO_LATE: ("đài ngừng hoạt động vào giờ phát", "the station was down at the hour"),
    Reason.NO_SOUND: ("không có tệp âm thanh để phát", "the sound file is missing or cannot be played"),
    Reason.SILENCED: ("khu vực đang được tắt tiếng", "the zone is switched to silence"),
    Reason.QUIET_HOURS: ("đang trong giờ yên lặng", "it is a quiet hour"),
    Reason.INTERNAL_ERROR: ("lỗi bên trong đài", "an error inside the station"),
}


def words(reason: str | None, language: str = "vi") -> str | None:
    """Say a reason to a person, in Vietnamese or English."""
    if reason is None:
        return None
    vietnamese, english = _WORDS[Reason(reason)]
    return english if language == "en" else vietnamese


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
        # While the broadcast goes on, a speaker is given back to it as soon as the more urgent one is over.
        (_D.PRE_EMPTED, _DE.RETURN): _D.PENDING,
        (_D.MISSED, _DE.CATCH_UP): _D.CAUGHT_UP,
        (_D.FAILED, _DE.CATCH_UP): _D.CAUGHT_UP,
        (_D.PRE_EMPTED, _DE.CATCH_UP): _D.CAUGHT_UP,
        # A speaker that was heard and then dropped, and did not come back before the end, failed in part;
        # one that never played was missed.
    },
)
