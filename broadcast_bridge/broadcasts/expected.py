"""Broadcasts that are about to begin, and the speakers that may be called before they do.

Nothing here decides what is played: that is decided when the broadcast begins (`starting`, `clearance`).
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import clearance
from broadcast_bridge.broadcasts.starting import speakers_of
from broadcast_bridge.broadcasts.states import BroadcastState, Kind, Priority
from broadcast_bridge.models import Broadcast, Speaker
from broadcast_bridge.schedule.contents import Contents
from broadcast_bridge.schedule.due import still_belongs
from broadcast_bridge.schedule.models import Occurrence, Schedule
from broadcast_bridge.schedule.states import OccurrenceState, What
from broadcast_bridge.speakers.quiet_hours import speakers_may_sound
from broadcast_bridge.speakers.zones import ZoneRefused, find_zone, speakers_in
from haichieu.media import Media
from haichieu.people import Official, Right

LOOK_AHEAD = datetime.timedelta(seconds=20)
"""A recorded broadcast is expected this long before its start time."""


@dataclass(frozen=True)
class Expected:
    """A recorded broadcast that begins at `due_at`: an occurrence of a schedule, or a broadcast that was requested."""

    key: str
    """One of the `keys_of` the broadcast."""
    due_at: datetime.datetime
    row_id: int
    is_occurrence: bool


@dataclass(frozen=True)
class Setting:
    """What a recorded broadcast will consist of, as far as is known before it begins."""

    priority: Priority
    speakers: Sequence[Speaker]
    """Those that may play."""
    sounds: Sequence[Media]


def live_speakers(
    session: Session, official_id: int, zone_keys: str, node: str, at: datetime.datetime, *, called_back: bool
) -> Sequence[Speaker]:
    """Return the speakers to call ahead of an official's live broadcast that begins at this time.

    None for an official without the right, and for one with call-back verification before the call back: nothing may
    reach a speaker on the strength of a caller's number.
    """
    official = session.get_one(Official, official_id)
    if not official.may_do(Right.LIVE) or (official.call_back and not called_back):
        return ()
    try:
        zone = find_zone(session, official, zone_keys)
    except ZoneRefused:
        return ()
    return to_call(speakers_may_sound(session, zone.speakers, Priority.NORMAL, at).speakers, node)


def soon(session: Session, at: datetime.datetime) -> list[Expected]:
    """Return the recorded broadcasts that begin within `LOOK_AHEAD`, as far as is known now; no emergency."""
    until = at + LOOK_AHEAD
    occurrences = (
        sa.select(sa.literal(True), Occurrence.id)
        .join(Occurrence.schedule)
        .where(
            Occurrence.state == OccurrenceState.PLANNED,
            Occurrence.prepare_at.between(at, until),
            Schedule.what != What.LIVE,
            Schedule.priority != Priority.EMERGENCY,
        )
    )
    broadcasts = sa.select(sa.literal(False), Broadcast.id).where(
        Broadcast.state == BroadcastState.PLANNED,
        Broadcast.kind == Kind.RECORDED,
        Broadcast.priority != Priority.EMERGENCY,
        Broadcast.due_at.between(at, until),
    )
    found = session.execute(sa.union_all(occurrences, broadcasts)).all()  # one query, as there is mostly nothing
    scheduled = [row_id for is_occurrence, row_id in found if is_occurrence]
    requested = [row_id for is_occurrence, row_id in found if not is_occurrence]
    return [*_scheduled(session, scheduled), *_requested(session, requested, at)]


def setting_of(session: Session, expected: Expected) -> Setting:
    """Return what an expected broadcast will consist of."""
    if expected.is_occurrence:
        schedule = session.get_one(Occurrence, expected.row_id).schedule
        speakers = speakers_in(session, [zone.id for zone in schedule.zones if zone.removed_at is None])
        priority = Priority(schedule.priority)
        content = Contents(session, [schedule]).of(schedule, expected.due_at)
        sounds = [programme.sound for programme in content.programmes if programme.sound is not None]
    else:
        broadcast = session.get_one(Broadcast, expected.row_id)
        speakers, priority = speakers_of(session, broadcast), Priority(broadcast.priority)
        sounds = [sound.media for sound in broadcast.sounds]
    return Setting(priority, speakers_may_sound(session, speakers, priority, expected.due_at).speakers, sounds)


def to_call(speakers: Iterable[Speaker], node: str) -> Sequence[Speaker]:
    """Return those of the speakers that this switchboard reaches; a multicast group has nobody to answer."""
    return [one for one in speakers if one.reachable and one.node in ("", node) and not one.is_multicast]


def next_look(session: Session, at: datetime.datetime) -> datetime.datetime | None:
    """Return when `soon` may find another one without any commit."""
    later = at + LOOK_AHEAD
    planned = Occurrence.state == OccurrenceState.PLANNED, Occurrence.prepare_at > later
    waiting = Broadcast.state == BroadcastState.PLANNED, Broadcast.kind == Kind.RECORDED, Broadcast.due_at > later
    begins = (
        sa.select(sa.func.min(Occurrence.prepare_at)).where(*planned),
        sa.select(sa.func.min(Broadcast.due_at)).where(*waiting),
    )
    due = [when for when in map(session.scalar, begins) if when is not None]
    return min(due) - LOOK_AHEAD if due else None


def keys_of(broadcast: Broadcast) -> tuple[str, ...]:
    """Return the keys under which a broadcast can have been expected."""
    return f"broadcast:{broadcast.id}", broadcast.asked_by


def _scheduled(session: Session, occurrence_ids: Sequence[int]) -> Iterable[Expected]:
    for occurrence in (session.get_one(Occurrence, number) for number in occurrence_ids):
        schedule, due_at = occurrence.schedule, occurrence.due_at
        content = Contents(session, [schedule]).of(schedule, due_at)
        if content.obstacle is None and still_belongs(occurrence):
            yield Expected(f"schedule:{schedule.id}", due_at, occurrence.id, is_occurrence=True)


def _requested(session: Session, broadcast_ids: Sequence[int], at: datetime.datetime) -> Iterable[Expected]:
    broadcasts = [session.get_one(Broadcast, number) for number in broadcast_ids]
    refused = clearance.refusals(session, broadcasts, at)
    for broadcast in broadcasts:
        if broadcast.id not in refused and broadcast.due_at is not None:
            yield Expected(f"broadcast:{broadcast.id}", broadcast.due_at, broadcast.id, is_occurrence=False)
