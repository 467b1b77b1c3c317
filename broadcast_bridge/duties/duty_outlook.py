"""Outlook of a duty: broken chains, runs that may be caught up, airings to come, villages without a speaker."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.duties.duty_progress import DAY, last_break
from broadcast_bridge.duties.duty_proof import DutyProof, Missed
from broadcast_bridge.duties.duty_runs import Places, planned_runs
from broadcast_bridge.duties.models import Duty, DutyVillage
from broadcast_bridge.duties.states import ACTIVE
from broadcast_bridge.schedule.materialise import recurrence_of
from broadcast_bridge.schedule.models import Schedule, ScheduleItem
from broadcast_bridge.schedule.recurrence import as_utc
from broadcast_bridge.speakers.zones import reach_of
from haichieu.people import Level, Unit
from haichieu.station import the_station
from haichieu.unit_names import unit_names

LOOK_AHEAD = 30 * DAY
"""How far ahead airings of other schedules are shown."""


@dataclass(frozen=True)
class VillageNote:
    """What a person should know about a village; days and times are local.

    `broken_on` is the day that broke its chain, which is counted again from `again_from`. `missed` is the run of today
    that it may still hear.
    """

    broken_on: datetime.date | None = None
    again_from: datetime.date | None = None
    missed: Missed | None = None


def notes_of(duty: Duty, proof: DutyProof, here: datetime.datetime) -> Mapping[int, VillageNote]:
    """Return the notes about the villages of a duty, by unit; none about one that is settled."""
    return {one.unit_id: _note(duty, one, proof, here) for one in duty.villages if one.state in ACTIVE}


def airings_to_come(
    session: Session, duty: Duty, proof: DutyProof, places: Places, here: datetime.datetime
) -> Sequence[datetime.datetime]:
    """Return the local start times to come that count for a duty, in order, also those of other schedules."""
    found = {*planned_runs(session, duty, places, here), *proof.under_way}
    zone, own = ZoneInfo(the_station(session).timezone), {one.id for one in duty.schedules}
    since = as_utc(here, zone)
    for other in _others(session, duty):
        zones = reach_of(session, [each.id for each in other.zones if each.removed_at is None])
        units = {speaker.unit_id for reach in zones.values() for speaker in reach.speakers}
        if other.id not in own and units & set(places.speakers):
            found |= {
                moment.at.astimezone(zone).replace(tzinfo=None)
                for moment in recurrence_of(other).between(since, since + LOOK_AHEAD)
            }
    return sorted({one.replace(second=0, microsecond=0) for one in found if one >= here})


def villages_without_speaker(session: Session, places: Places) -> Sequence[str]:
    """Return the names of the villages of the area that no speaker belongs to, by name.

    None when no village has one: then the speakers are entered at the units above.
    """
    without = _without_speaker(_villages(session), places.area, places.speakers)
    names = unit_names(session) if without else {}
    return sorted(str(names[number]) for number in without)


def villages_not_covered(session: Session, duties: Collection[Duty]) -> Mapping[int, Sequence[str]]:
    """Return, by duty, the names of the villages of its area that no speaker belongs to, in a fixed number of queries.

    A village that a duty lists has a state of its own, and is none of them.
    """
    reach = reach_of(session, {zone.id for duty in duties for zone in duty.zones if zone.removed_at is None})
    villages, names = _villages(session), unit_names(session)
    found = {}
    for duty in duties:
        zones = [reach[zone.id] for zone in duty.zones if zone.id in reach]
        area = set[int]().union(*(one.units for one in zones))
        with_speaker = {speaker.unit_id for one in zones for speaker in one.speakers}
        without = _without_speaker(villages, area, with_speaker) - {one.unit_id for one in duty.villages}
        found[duty.id] = sorted(str(names[number]) for number in without)
    return found


def _villages(session: Session) -> set[int]:
    """Return the ids of the villages that there are."""
    in_use = sa.select(Unit.id).where(Unit.level == Level.VILLAGE, Unit.retired_at.is_(None))
    return set(session.scalars(in_use))


def _without_speaker(villages: set[int], area: Collection[int], with_speaker: Collection[int]) -> set[int]:
    there = villages.intersection(area)
    without = there.difference(with_speaker)
    return set() if without == there else without


def _note(duty: Duty, village: DutyVillage, proof: DutyProof, here: datetime.datetime) -> VillageNote:
    broken = None
    if duty.law.days > 1:
        broken = last_break([datetime.date.fromisoformat(day) for day in village.heard], here.date())
    on, again = broken or (None, None)
    heard = [run.at for run in proof.heard.get(village.unit_id, ()) if run.at.date() == here.date()]
    missed = None
    for run in proof.missed.get(village.unit_id, ()):
        later = [at for at in heard if at >= run.at] if duty.law.every_hours else heard
        if run.at.date() == here.date() and run.until is not None and run.until > here and not later:
            missed = run
    return VillageNote(on, again, missed)


def _others(session: Session, duty: Duty) -> Sequence[Schedule]:
    """Return the schedules that play a programme of the duty."""
    listed = sa.select(ScheduleItem.schedule_id).where(ScheduleItem.programme_id.in_(duty.programmes))
    return session.scalars(
        sa.select(Schedule)
        .where(Schedule.programme_id.in_(duty.programmes) | Schedule.id.in_(listed))
        .where(Schedule.removed_at.is_(None), Schedule.enabled)
        .order_by(Schedule.id)
    ).all()
