"""Quiet hours of the station and of zones, and muted zones.

An emergency is always played. Speakers that must be silent are left out; the broadcast continues on the others.
"""

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Speaker, Zone
from broadcast_bridge.schedule.errors import NoSuchPart, ScheduleRefused
from broadcast_bridge.schedule.recurrence import zone_named
from broadcast_bridge.schedule.states import OccurrenceReason
from broadcast_bridge.speakers.zones import speakers_in, zones_by_speaker
from haichieu import audit
from haichieu.station import the_station

LONGEST_SILENCE = datetime.timedelta(days=7)
"""A zone that should be silent for longer belongs out of the schedules, or was forgotten."""


@dataclass(frozen=True)
class MaySound:
    """The speakers that may play now, and the reasons for the others."""

    speakers: tuple[Speaker, ...]
    left_out: tuple[tuple[Speaker, OccurrenceReason], ...] = ()

    @property
    def reason(self) -> OccurrenceReason | None:
        """The reason why nothing may be played at all, or None."""
        if self.speakers:
            return None
        return self.left_out[0][1] if self.left_out else OccurrenceReason.NO_SPEAKERS


@lru_cache(256)
def parse_quiet_hours(text: str) -> tuple[datetime.time, datetime.time] | None:
    """Parse `21:30-05:00`; the empty text means no quiet hours and returns None. Raises ScheduleRefused."""
    if not text:
        return None
    match = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", text)
    if match is None:
        raise ScheduleRefused("zone.quiet_hours", value=text[:20])
    first, last = (datetime.time(int(match[one]), int(match[one + 1])) for one in (1, 3))
    return first, last


def is_quiet(hours: str, local: datetime.time) -> bool:
    """Return whether a local time is within quiet hours, the end excluded.

    Hours that end where they begin last all day.
    """
    span = parse_quiet_hours(hours)
    if span is None:
        return False
    first, last = span
    if first < last:
        return first <= local < last
    return local >= first or local < last


def may_sound(session: Session, zone_ids: Iterable[int], priority: Priority, at: datetime.datetime) -> MaySound:
    """Return which speakers of the zones may play something of this priority at the given time, and the reasons.

    A muted zone mutes its speakers in every broadcast, also in one to a larger zone that contains them.
    """
    return speakers_may_sound(session, speakers_in(session, zone_ids), priority, at)


def speakers_may_sound(
    session: Session, speakers: Iterable[Speaker], priority: Priority, at: datetime.datetime
) -> MaySound:
    """Do the same as `may_sound` for given speakers."""
    asked = tuple(speakers)
    if priority is Priority.EMERGENCY:
        return MaySound(asked)
    silent = silent_speakers(session, {speaker.id: speaker.unit_id for speaker in asked}, at)
    allowed = tuple(speaker for speaker in asked if speaker.id not in silent)
    return MaySound(allowed, tuple((speaker, silent[speaker.id]) for speaker in asked if speaker.id in silent))


def silent_speakers(
    session: Session, unit_of: Mapping[int, int], at: datetime.datetime
) -> Mapping[int, OccurrenceReason]:
    """Return those of the speakers that may play only an emergency now, with the reason.

    `unit_of` has the unit of each speaker. The number of queries does not depend on speakers and zones.
    """
    rules = silence_rules(session, unit_of)
    return {number: reason for number in unit_of if (reason := rules.of(number, at)) is not None}


@dataclass(frozen=True)
class SilenceRules:
    """The quiet hours and the muting of some speakers, by speaker, for any time."""

    timezone: str
    hours: Mapping[int, Sequence[str]]
    muted_until: Mapping[int, datetime.datetime | None]

    def of(self, speaker_id: int, at: datetime.datetime) -> OccurrenceReason | None:
        """Return why a speaker may play only an emergency at the given time, or None."""
        muted_until = self.muted_until[speaker_id]
        if muted_until is not None and muted_until > at:
            return OccurrenceReason.ZONE_SILENCED
        local = at.astimezone(zone_named(self.timezone)).time()
        quiet = any(is_quiet(own, local) for own in self.hours[speaker_id])
        return OccurrenceReason.QUIET_HOURS if quiet else None


def silence_rules(session: Session, unit_of: Mapping[int, int]) -> SilenceRules:
    """Return the rules of these speakers, given the unit of each, in a fixed number of queries."""
    station = the_station(session)
    ruling = {
        zone_id: (hours, silenced_until)
        for zone_id, hours, silenced_until in session.execute(
            sa.select(Zone.id, Zone.quiet_hours, Zone.silenced_until).where(
                Zone.removed_at.is_(None), Zone.quiet_hours.is_not(None) | Zone.silenced_until.is_not(None)
            )
        )
    }
    zones = zones_by_speaker(session, unit_of, ruling)
    hours: dict[int, Sequence[str]] = {}
    muted_until: dict[int, datetime.datetime | None] = {}
    for speaker_id in unit_of:
        rules = [ruling[zone_id] for zone_id in zones[speaker_id]]
        hours[speaker_id] = [own for own, _ in rules if own is not None] or [station.quiet_hours]
        muted_until[speaker_id] = max((until for _, until in rules if until is not None), default=None)
    return SilenceRules(station.timezone, hours, muted_until)


def silence(session: Session, zone_id: int, until: datetime.datetime, who: str, at: datetime.datetime) -> None:
    """Mute all but emergencies in a zone until the given time; `who` is the actor for the audit trail.

    Raises NoSuchPart for an unknown zone, ScheduleRefused for a time that is past or too far ahead.
    """
    if not at < until <= at + LONGEST_SILENCE:
        raise ScheduleRefused("zone.mute_too_long", days=LONGEST_SILENCE.days)
    zone = _zone(session, zone_id)
    zone.silenced_until, zone.silenced_by = until, who
    audit.record(session, who, "zone.silence", f"zone:{zone.code}", until=until.isoformat())


def unsilence(session: Session, zone_id: int, who: str) -> None:
    """Unmute a zone. Raises NoSuchPart for an unknown zone."""
    zone = _zone(session, zone_id)
    zone.silenced_until = zone.silenced_by = None
    audit.record(session, who, "zone.unsilence", f"zone:{zone.code}")


def _zone(session: Session, zone_id: int) -> Zone:
    zone = session.get(Zone, zone_id)
    if zone is None or zone.removed_at is not None:
        raise NoSuchPart("schedule.no_such.zones", which=zone_id)
    return zone
