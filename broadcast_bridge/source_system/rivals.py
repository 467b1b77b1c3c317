"""Programmes of the commune that a priority bulletin meets: same priority, same time, at one of its speakers.

Circular 39/2020/TT-BTTTT leaves the order to the commune's user. The one that begins first keeps the speakers, and the
other waits for them (`broadcasts.starting`), so the order is a matter of start times.
"""

import datetime
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from broadcast_bridge.broadcasts.starting import speakers_of
from broadcast_bridge.broadcasts.states import BroadcastState, Kind, Priority
from broadcast_bridge.models import Broadcast, BroadcastSound
from broadcast_bridge.schedule.contents import Contents
from broadcast_bridge.schedule.day_filter import is_day_for
from broadcast_bridge.schedule.materialise import recurrence_of, station_day
from broadcast_bridge.schedule.models import Occurrence, Schedule
from broadcast_bridge.schedule.states import OccurrenceState
from broadcast_bridge.source_system.models import Bulletin, BulletinAiring
from broadcast_bridge.speakers.zones import speakers_in
from haichieu.station import the_station

LONGEST = datetime.timedelta(hours=4)
"""Assumed for what began earlier and may still be on air."""
LONGEST_TITLE = 300
SEPARATOR = ", "
"""Between the titles of several programmes."""


@dataclass(frozen=True)
class Rival:
    """One or several programmes of the commune, and when they are expected to be on air."""

    title: str
    begins: datetime.datetime
    ends: datetime.datetime


def rival_of(session: Session, bulletin: Bulletin, start: datetime.datetime, seconds: float) -> Rival | None:
    """Return the priority programmes of the commune that meet a bulletin of this length, as one."""
    end, speakers = start + datetime.timedelta(seconds=seconds), set(bulletin.speaker_codes)
    found = [*_scheduled(session, start, end, speakers), *_requested(session, start, end, speakers)]
    if not found:
        return None
    titles = dict.fromkeys(one.title for one in sorted(found, key=lambda one: (one.begins, one.title)))
    begins, ends = min(one.begins for one in found), max(one.ends for one in found)
    return Rival(SEPARATOR.join(titles)[:LONGEST_TITLE], begins, ends)


@dataclass(frozen=True)
class BulletinMet:
    """A priority bulletin, and when it is broadcast."""

    title: str
    at: datetime.datetime


def bulletins_met(session: Session, schedule: Schedule, at: datetime.datetime) -> list[BulletinMet]:
    """Return the planned bulletins that a priority schedule meets, without those whose order is decided with it."""
    if schedule.priority != Priority.PRIORITY:
        return []
    found = session.execute(
        sa.select(BulletinAiring, Broadcast.due_at)
        .join(Broadcast, Broadcast.id == BulletinAiring.broadcast_id)
        .join(BulletinAiring.bulletin)
        .where(Broadcast.state == BroadcastState.PLANNED, Bulletin.priority == Priority.PRIORITY)
        .order_by(Broadcast.due_at)
    ).all()
    if not found:
        return []
    speakers = {one.code for one in speakers_in(session, [zone.id for zone in schedule.zones])}
    length = datetime.timedelta(seconds=Contents(session, [schedule]).seconds(schedule, at))
    timezone = the_station(session).timezone
    met = []
    for airing, due_at in found:
        bulletin, begins = airing.bulletin, airing.starts_at
        ends = begins + datetime.timedelta(seconds=bulletin.audio.seconds if bulletin.audio else 0.0)
        is_decided = airing.first and schedule.title in airing.rival.split(SEPARATOR)
        moments = recurrence_of(schedule).between(begins - length, ends)
        meets = any(
            one.at + length > begins and is_day_for(schedule.days, station_day(schedule, one, timezone))
            for one in moments
        )
        if meets and not is_decided and speakers & set(bulletin.speaker_codes):
            met.append(BulletinMet(bulletin.title, due_at or begins))
    return met


def _scheduled(
    session: Session, start: datetime.datetime, end: datetime.datetime, speakers: Collection[str]
) -> Iterator[Rival]:
    occurrences = session.scalars(
        sa.select(Occurrence)
        .join(Occurrence.schedule)
        .where(Occurrence.state == OccurrenceState.PLANNED, Occurrence.due_at.between(start - LONGEST, end))
        .where(Schedule.priority == Priority.PRIORITY, Schedule.enabled, Schedule.removed_at.is_(None))
        .order_by(Occurrence.due_at)
    )
    for one in occurrences:
        ends = one.due_at + datetime.timedelta(
            seconds=Contents(session, [one.schedule]).seconds(one.schedule, one.due_at)
        )
        zones = [zone.id for zone in one.schedule.zones if zone.removed_at is None]
        if ends > start and any(speaker.code in speakers for speaker in speakers_in(session, zones)):
            yield Rival(one.schedule.title, one.due_at, ends)


def _requested(
    session: Session, start: datetime.datetime, end: datetime.datetime, speakers: Collection[str]
) -> Iterator[Rival]:
    of_bulletins = sa.select(BulletinAiring.broadcast_id).where(BulletinAiring.broadcast_id.is_not(None))
    broadcasts = session.scalars(
        sa.select(Broadcast)
        .where(Broadcast.state == BroadcastState.PLANNED, Broadcast.kind == Kind.RECORDED)
        .where(Broadcast.priority == Priority.PRIORITY, Broadcast.due_at.between(start - LONGEST, end))
        .where(Broadcast.id.not_in(of_bulletins))
        .options(selectinload(Broadcast.sounds).joinedload(BroadcastSound.media))
        .order_by(Broadcast.due_at)
    )
    for one in broadcasts:
        seconds = sum(sound.media.seconds for sound in one.sounds) * max(one.times, 1)
        begins = one.due_at or start
        ends = begins + datetime.timedelta(seconds=seconds)
        if ends > start and any(speaker.code in speakers for speaker in speakers_of(session, one)):
            yield Rival(one.title, begins, ends)
