"""What an occurrence may do next, what a schedule asks for, and the words for why an occurrence was not heard."""

from enum import StrEnum

from haichieu.state_machine import StateMachine


class What(StrEnum):
    """What a schedule puts on air."""

    PROGRAMME = "programme"
    PLAYLIST = "playlist"
    LIVE = "live"


class Days(StrEnum):
    """On which of its days a schedule is heard. Working days are those of the state's offices."""

    ANY = "any"
    NOT_ON_HOLIDAYS = "not_on_holidays"
    WORKING_DAYS = "working_days"


class OccurrenceState(StrEnum):
    """States of one dated instance of a schedule."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    AIRED = "aired"
    MISSED = "missed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


class OccurrenceEvent(StrEnum):
    """What can happen to an occurrence."""

    CLAIM = "claim"
    RELEASE = "release"
    AIR = "air"
    MISS = "miss"
    CANCEL = "cancel"
    SKIP = "skip"


_S, _E = OccurrenceState, OccurrenceEvent
OCCURRENCE = StateMachine(
    "occurrence",
    _S.PLANNED,
    {
        (_S.PLANNED, _E.CLAIM): _S.CLAIMED,
        (_S.PLANNED, _E.MISS): _S.MISSED,
        (_S.PLANNED, _E.CANCEL): _S.CANCELLED,
        (_S.PLANNED, _E.SKIP): _S.SKIPPED,
        # A claim without a broadcast whose lease ran out is taken over by another process.
        (_S.CLAIMED, _E.CLAIM): _S.CLAIMED,
        (_S.CLAIMED, _E.RELEASE): _S.PLANNED,
        (_S.CLAIMED, _E.AIR): _S.AIRED,
        (_S.CLAIMED, _E.MISS): _S.MISSED,
        (_S.CLAIMED, _E.CANCEL): _S.CANCELLED,
        (_S.CLAIMED, _E.SKIP): _S.SKIPPED,
    },
)


class WhyNot(StrEnum):
    """Why an occurrence was not heard as planned. `words` says it to a person."""

    STATION_DOWN = "station_down"
    PROCESS_DIED = "process_died"
    BROADCAST_FAILED = "broadcast_failed"
    PRE_EMPTED = "pre_empted"
    NO_SPEAKERS = "no_speakers"
    NOT_APPROVED = "not_approved"
    NO_SOUND = "no_sound"
    OFFICIAL_NOT_REACHED = "official_not_reached"
    HOLIDAY = "holiday"
    QUIET_HOURS = "quiet_hours"
    ZONE_SILENCED = "zone_silenced"
    BY_HAND = "by_hand"
    SCHEDULE_REMOVED = "schedule_removed"


_WORDS: dict[WhyNot, tuple[str, str]] = {
    WhyNot.STATION_DOWN: ("đài không hoạt động vào giờ đó", "the station was down at that hour"),
    WhyNot.PROCESS_DIED: ("tổng đài hỏng khi đang chuẩn bị phát", "the switchboard died while preparing it"),
    WhyNot.BROADCAST_FAILED: ("buổi phát bị lỗi", "the broadcast failed"),
    WhyNot.PRE_EMPTED: ("nội dung ưu tiên hơn chiếm sóng", "something of higher priority took the speakers"),
    WhyNot.NO_SPEAKERS: ("không có cụm loa nào kết nối", "no speaker was reachable"),
    WhyNot.NOT_APPROVED: (
        "chương trình chưa được duyệt hoặc đã hết hạn",
        "the programme is not approved or out of date",
    ),
    WhyNot.NO_SOUND: ("chương trình chưa có âm thanh", "the programme has no sound yet"),
    WhyNot.OFFICIAL_NOT_REACHED: ("không gọi được cán bộ", "the official could not be reached"),
    WhyNot.HOLIDAY: ("ngày nghỉ", "not a day for it (holiday or day off)"),
    WhyNot.QUIET_HOURS: ("trong giờ yên tĩnh", "quiet hours"),
    WhyNot.ZONE_SILENCED: ("khu vực đang tắt tiếng", "the zone is silenced"),
    WhyNot.BY_HAND: ("được bỏ qua theo yêu cầu", "somebody asked to leave it out"),
    WhyNot.SCHEDULE_REMOVED: ("lịch phát đã bị xóa hoặc thay đổi", "the schedule was removed or changed"),
}


def words(why: str | None, language: str = "vi") -> str | None:
    """Say to a person why an occurrence was not heard, in Vietnamese or English."""
    if why is None:
        return None
    vietnamese, english = _WORDS[WhyNot(why)]
    return english if language == "en" else vietnamese
