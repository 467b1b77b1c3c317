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
from broadcast_bridge.schedule.models import Occurrence, Schedule
from broadcast_bridge.schedule.states import OccurrenceState
from broadcast_bridge.source_system.models import Bulletin, BulletinAiring
from broadcast_bridge.source_system.states import First
from broadcast_bridge.speakers.zones import speakers_in

LONGEST = datetime.timedelta(hours=4)
"""Assumed for what began earlier and may still be on air."""
JUST_BEFORE = datetime.timedelta(seconds=1)


@dataclass(frozen=True)
class Rival:
    """A programme of the commune, and when it is expected to be on air."""

    title: str
    begins: datetime.datetime
    ends: datetime.datetime


def rival_of(session: Session, bulletin: Bulletin, start: datetime.datetime, seconds: float) -> Rival | None:
    """Return the first priority programme of the commune that meets a bulletin of this length."""
    end, speakers = start + datetime.timedelta(seconds=seconds), set(bulletin.speaker_codes)
    found = [*_scheduled(session, start, end, speakers), *_requested(session, start, end, speakers)]
    return min(found, key=lambda one: one.begins, default=None)


def start_time(airing: BulletinAiring) -> datetime.datetime:
    """Return when a bulletin is to begin so that the decided order comes about."""
    if airing.rival_begins is None or airing.rival_ends is None:
        return airing.starts_at
    if airing.first == First.COMMUNE:
        return max(airing.starts_at, airing.rival_ends)
    return min(airing.starts_at, airing.rival_begins - JUST_BEFORE)


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
