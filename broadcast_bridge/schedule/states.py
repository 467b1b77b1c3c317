"""States of an occurrence, kinds of schedules, and the reasons why an occurrence was not broadcast."""

from enum import StrEnum
from typing import overload

from haichieu.locale import Message
from haichieu.state_machine import StateMachine


class What(StrEnum):
    """Content of a schedule; `newest` is the newest approved programme of a category."""

    PROGRAMME = "programme"
    NEWEST = "newest"
    PLAYLIST = "playlist"
    LIVE = "live"


class Days(StrEnum):
    """Days on which a schedule runs. Working days are those of government offices."""

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
    """Events of an occurrence."""

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


class OccurrenceReason(StrEnum):
    """Why an occurrence was not broadcast as planned; `reason_message` has the words."""

    STATION_DOWN = "station_down"
    PROCESS_DIED = "process_died"
    BROADCAST_FAILED = "broadcast_failed"
    PRE_EMPTED = "pre_empted"
    NO_SPEAKERS = "no_speakers"
    NOT_APPROVED = "not_approved"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    NO_SOUND = "no_sound"
    NOTHING_APPROVED = "nothing_approved"
    OFFICIAL_NOT_REACHED = "official_not_reached"
    HOLIDAY = "holiday"
    QUIET_HOURS = "quiet_hours"
    ZONE_SILENCED = "zone_silenced"
    BY_HAND = "by_hand"
    SCHEDULE_REMOVED = "schedule_removed"


@overload
def reason_message(reason: str) -> Message: ...
@overload
def reason_message(reason: None) -> None: ...
@overload
def reason_message(reason: str | None) -> Message | None: ...
def reason_message(reason: str | None) -> Message | None:
    """Return why an occurrence was not broadcast, as words for a sentence."""
    return None if reason is None else Message(f"schedule.reason.{OccurrenceReason(reason)}")
