"""Forecast of schedules: why an occurrence would not be broadcast as things are.

The dispatch of due occurrences applies the same rules, so that a page never promises what is dropped later. What may
still change before the start time (an approval, a muted zone) is judged as it is now.
"""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.schedule.contents import Content, Contents, playable
from broadcast_bridge.schedule.day_filter import is_day_for
from broadcast_bridge.schedule.materialise import recurrence_of, station_day
from broadcast_bridge.schedule.models import Schedule
from broadcast_bridge.schedule.recurrence import SEARCH_YEARS, Moment
from broadcast_bridge.schedule.states import OccurrenceReason, What, reason_message
from broadcast_bridge.speakers.quiet_hours import SilenceRules, silence_rules
from broadcast_bridge.speakers.zones import reach_of
from haichieu.locale import Message
from haichieu.people import Right
from haichieu.station import the_station

LOOK_AHEAD = tuple(datetime.timedelta(days=days) for days in (40, 400, 365 * SEARCH_YEARS))
"""The spans that are searched for the next start times: each only when those before it have none."""
MOST = 400


@dataclass(frozen=True)
class Obstacle:
    """A reason why upcoming occurrences would not be broadcast: the first one, and how many of how many."""

    reason: OccurrenceReason
    at: datetime.datetime
    times: int
    of: int

    @property
    def words(self) -> Message:
        """The reason as words for a sentence."""
        return reason_message(self.reason)


class Forecast:
    """The rules of the air for some schedules, read once in a fixed number of queries."""

    def __init__(self, session: Session, schedules: Collection[Schedule]) -> None:
        self.contents = Contents(session, schedules)
        with session.no_autoflush:
            self._timezone = the_station(session).timezone
            zones = {zone.id for one in schedules for zone in one.zones if zone.removed_at is None}
            reach = reach_of(session, zones)
            self._speakers = {number: [one.id for one in found.speakers] for number, found in reach.items()}
            unit_of = {speaker.id: speaker.unit_id for found in reach.values() for speaker in found.speakers}
            self._silence: SilenceRules = silence_rules(session, unit_of)

    def obstacle(self, schedule: Schedule, moment: Moment, content: Content | None = None) -> OccurrenceReason | None:
        """Return why this occurrence would not be broadcast, or None; `content` is what it plays, if known already."""
        if not is_day_for(schedule.days, station_day(schedule, moment, self._timezone)):
            return OccurrenceReason.HOLIDAY
        return self._no_speaker(schedule, moment.at) or self._no_content(schedule, moment.at, content)

    def upcoming(self, schedule: Schedule, at: datetime.datetime) -> list[Obstacle]:
        """Return the obstacles of the coming occurrences, the earliest first; none for a disabled schedule."""
        return self.obstacles(schedule, next_moments(schedule, at) if schedule.enabled else [])

    def obstacles(self, schedule: Schedule, coming: Sequence[Moment]) -> list[Obstacle]:
        """Return the obstacles of these occurrences, the earliest first.

        Days off that a recurring schedule skips are intended, unless it never runs.
        """
        found: dict[OccurrenceReason, list[datetime.datetime]] = {}
        for moment in coming:
            if (reason := self.obstacle(schedule, moment)) is not None:
                found.setdefault(reason, []).append(moment.at)
        off = found.get(OccurrenceReason.HOLIDAY, [])
        if len(off) < len(coming):
            found.pop(OccurrenceReason.HOLIDAY, None)
        return [Obstacle(reason, times[0], len(times), len(coming)) for reason, times in found.items()]

    def _no_content(
        self, schedule: Schedule, at: datetime.datetime, content: Content | None
    ) -> OccurrenceReason | None:
        if schedule.what != What.LIVE:
            return (content or self.contents.of(schedule, at)).obstacle
        officials = [one for one in (schedule.official, schedule.second_official) if one is not None]
        right = Right.EMERGENCY if schedule.priority == Priority.EMERGENCY else Right.LIVE
        if any(one.may_do(right) and one.phones for one in officials):
            return None
        fallback = schedule.fallback_programme
        if fallback is not None and playable([fallback], at).obstacle is None:
            return None
        return OccurrenceReason.OFFICIAL_NOT_REACHED

    def _no_speaker(self, schedule: Schedule, at: datetime.datetime) -> OccurrenceReason | None:
        speakers = dict.fromkeys(number for zone in schedule.zones for number in self._speakers.get(zone.id, ()))
        if not speakers:
            return OccurrenceReason.NO_SPEAKERS
        if schedule.priority == Priority.EMERGENCY:
            return None
        first: OccurrenceReason | None = None
        for number in speakers:
            reason = self._silence.of(number, at)
            if reason is None:
                return None
            first = first or reason
        return first


def next_moments(schedule: Schedule, at: datetime.datetime, most: int = MOST) -> list[Moment]:
    """Return the next start times after `at`; empty when there is none any more."""
    recurrence = recurrence_of(schedule)
    for span in LOOK_AHEAD:
        if found := recurrence.between(at, at + span):
            return found[:most]
    return []
