"""Dispatch of due occurrences: each becomes a broadcast, or is closed with a reason.

The claim of an occurrence and its broadcast are one transaction, so that none is played twice and none is lost, however
many switchboards run and whichever of them dies.
"""

import datetime
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import starting
from broadcast_bridge.broadcasts.starting import BroadcastRefused, Request
from broadcast_bridge.broadcasts.states import AfterCut, Priority
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule import due
from broadcast_bridge.schedule.contents import Content, Contents, playable
from broadcast_bridge.schedule.materialise import HORIZON, materialise
from broadcast_bridge.schedule.models import Occurrence, Schedule
from broadcast_bridge.schedule.states import OccurrenceReason, What
from broadcast_bridge.speakers.quiet_hours import may_sound
from broadcast_bridge.speakers.zones import ZoneRefused
from haichieu.set_aside import or_set_aside

log = structlog.get_logger()

LEASE = datetime.timedelta(seconds=60)
LOOK_AHEAD_EVERY = datetime.timedelta(minutes=10)


@dataclass(frozen=True)
class BookedCall:
    """An official to be called ahead of time and put on air at `due_at`."""

    occurrence_id: int
    due_at: datetime.datetime
    official_ids: tuple[int, ...]
    zone_ids: tuple[int, ...]
    priority: Priority


def edition(session: Session) -> tuple[object, ...]:
    """Return a value that changes whenever a schedule is added, changed or removed."""
    counted = (sa.func.count(), sa.func.max(Schedule.updated_at), sa.func.sum(Schedule.version))
    return tuple(session.execute(sa.select(*counted)).one())


def look_ahead(session: Session, at: datetime.datetime) -> None:
    """Create the occurrences of the coming days."""
    materialise(session, at + HORIZON, at)


def has_work(session: Session, at: datetime.datetime) -> bool:
    """Return whether `put_on_air` has something to do now."""
    hour = due.next_due(session)
    return (hour is not None and hour <= at) or due.is_something_over(session)


def put_on_air(session: Session, who: str, at: datetime.datetime) -> list[BookedCall]:
    """Make broadcasts of the occurrences that are due, and return the calls for live ones.

    `who` identifies this run of this process.
    """
    due.settle(session, at)
    booked = [
        or_set_aside(
            session,
            f"occurrence:{occurrence.id}",
            partial(_dispatch, session, occurrence, who, at),
            partial(due.mark_missed, session, occurrence.id, OccurrenceReason.BROADCAST_FAILED, at),
        )
        for occurrence in due.claim_due(session, who, at, LEASE)
    ]
    return [call for call in booked if call is not None]


def _dispatch(session: Session, occurrence: Occurrence, who: str, at: datetime.datetime) -> BookedCall | None:
    schedule = occurrence.schedule
    if reason := may_sound(session, [zone.id for zone in schedule.zones], Priority(schedule.priority), at).reason:
        due.skip(session, occurrence.id, reason, at)
    elif schedule.what == What.LIVE:
        return _booked(occurrence, schedule)
    else:
        _play(session, occurrence, who, Contents(session, [schedule]).of(schedule, at), at)
    return None


def play_instead(session: Session, occurrence_id: int, who: str, at: datetime.datetime) -> bool:
    """Play the fallback programme of a live call that reached nobody, and return whether there was one to play.

    Otherwise the occurrence is missed, with an alarm that says why.
    """
    occurrence = session.get_one(Occurrence, occurrence_id)
    if not due.still_belongs(occurrence):
        due.cancel_removed(session, occurrence_id, at)
        return False
    fallback = occurrence.schedule.fallback_programme
    if fallback is None:
        due.mark_missed(session, occurrence_id, OccurrenceReason.OFFICIAL_NOT_REACHED, at)
        return False
    return _play(session, occurrence, who, playable([fallback], at), at)


def next_hour(session: Session) -> datetime.datetime | None:
    """Return when `put_on_air` next has something to do."""
    return due.next_due(session)


def _play(session: Session, occurrence: Occurrence, who: str, content: Content, at: datetime.datetime) -> bool:
    schedule, programmes = occurrence.schedule, content.programmes
    if content.obstacle is not None:
        due.mark_missed(session, occurrence.id, content.obstacle, at)
        return False
    for programme, reason in content.left_out:
        log.warning("schedule.left_out", schedule=schedule.id, programme=programme.id, reason=str(reason))
    sounds = [programme.sound_id for programme in programmes if programme.sound_id is not None]
    catch_up = datetime.timedelta(minutes=schedule.catch_up_minutes)
    request = Request(
        asked_by=f"schedule:{schedule.id}",
        title=schedule.title,
        sound_ids=sounds,
        programme_ids=[programme.id for programme in programmes],
        zone_codes=[zone.code for zone in schedule.zones if zone.removed_at is None],
        priority=Priority(schedule.priority),
        due_at=max(occurrence.due_at, at),
        after_cut=AfterCut(schedule.after_cut),
        worth_hearing_until=at + catch_up if catch_up else None,
    )
    try:
        broadcast = starting.ask(session, request, at)
    except (BroadcastRefused, ZoneRefused):
        due.mark_missed(session, occurrence.id, OccurrenceReason.NO_SPEAKERS, at)
        return False
    due.attach_broadcast(session, occurrence.id, who, broadcast.id)
    session.execute(
        sa.update(Programme).where(Programme.id.in_([one.id for one in programmes])).values(last_aired_at=at)
    )
    return True


def _booked(occurrence: Occurrence, schedule: Schedule) -> BookedCall:
    officials = (schedule.official_id, schedule.second_official_id)
    return BookedCall(
        occurrence.id,
        occurrence.due_at,
        tuple(one for one in officials if one is not None),
        tuple(zone.id for zone in schedule.zones),
        Priority(schedule.priority),
    )
