"""Objects of the calendar's pages: schedules of an account's units, and the choices of the form."""

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor
from admin.broadcasts.scope import sees_everything, zones_reaching
from admin.broadcasts.zone_choices import ZoneChoice, zones_for
from admin.programmes.scope import units_for
from broadcast_bridge.models import Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from broadcast_bridge.schedule.conflicts import HORIZON, Conflict, conflicts_of
from broadcast_bridge.schedule.contents import Content
from broadcast_bridge.schedule.forecast import Forecast, Obstacle, next_moments
from broadcast_bridge.schedule.models import Schedule
from broadcast_bridge.schedule.states import reason_message
from broadcast_bridge.source_system.rivals import BulletinMet, bulletins_met
from haichieu.errors import NotFound
from haichieu.locale import Message
from haichieu.people import Official, Unit

MOST_CHOICES = 300


def find_schedule(session: Session, number: int) -> Schedule:
    """Return the schedule with this id, unless it was deleted. Raises NotFound."""
    found = session.get(Schedule, number) if number < 2**31 else None
    if found is None or found.removed_at is not None:
        raise NotFound("panel.calendar.no_such", number=number)
    return found


def unit_of_schedule(session: Session, number: int) -> list[int]:
    """Return the unit of a schedule. Raises NotFound."""
    return [find_schedule(session, number).unit_id]


@dataclass(frozen=True)
class Choices:
    """What a visitor may choose in the form of a schedule."""

    units: Sequence[Unit]
    zones: Sequence[ZoneChoice]
    programmes: Sequence[Programme]
    categories: Sequence[str]
    officials: Sequence[Official]


def choices(session: Session, who: Visitor, also_programme: int | None = None, number: int | None = None) -> Choices:
    """Return what a visitor may choose.

    `also_programme` is an older programme of these units, or the one that schedule `number` has already.
    """
    newest = (
        sa.select(Programme)
        .where(Programme.unit_id.in_(who.units), Programme.state != ProgrammeState.WITHDRAWN)
        .order_by(Programme.id.desc())
        .limit(MOST_CHOICES)
    )
    programmes = list(session.scalars(newest))
    if also_programme is not None and also_programme not in {one.id for one in programmes}:
        has = session.scalar(sa.select(Schedule.programme_id).where(Schedule.id == number))
        reachable = sa.or_(Programme.unit_id.in_(who.units), Programme.id == has)
        programmes += session.scalars(sa.select(Programme).where(Programme.id == also_programme, reachable))
    officials = sa.select(Official).where(Official.unit_id.in_(who.units)).order_by(Official.name)
    return Choices(
        units_for(session, who), zones_for(session, who), programmes, _categories(session, who),
        session.scalars(officials).all(),
    )  # fmt: skip


def _categories(session: Session, who: Visitor) -> list[str]:
    """Return the categories of programmes of the visitor's units."""
    used = sa.select(Programme.category).where(Programme.unit_id.in_(who.units), Programme.category != "").distinct()
    return sorted(session.scalars(used))


@dataclass(frozen=True)
class Doubts:
    """What a user must confirm before a schedule is saved.

    Conflicts, broadcasts that would not take place, and programmes of a playlist that would be left out next time.
    """

    conflicts: Sequence[Conflict] = ()
    obstacles: Sequence[Obstacle] = ()
    left_out: Sequence[tuple[str, Message]] = ()
    bulletins: Sequence[BulletinMet] = ()

    def __bool__(self) -> bool:
        return bool(self.conflicts or self.obstacles or self.left_out or self.bulletins)

    @property
    def mark(self) -> str:
        """A digest of everything that was shown."""
        shown: list[object] = [(one.winner.title, one.loser.title, one.at, one.times) for one in self.conflicts]
        shown += [(one.reason, one.times, one.of) for one in self.obstacles]
        shown += [(title, reason.key) for title, reason in self.left_out]
        shown += [(one.title, one.at) for one in self.bulletins]
        return hashlib.sha256(repr(shown).encode()).hexdigest()


def doubts_about(session: Session, schedule: Schedule, at: datetime.datetime) -> Doubts:
    """Return the conflicts and obstacles of a schedule in the coming weeks; none while it is disabled."""
    if not schedule.enabled:
        return Doubts()
    forecast = Forecast(session, [schedule])
    content = next((forecast.contents.of(schedule, moment.at) for moment in next_moments(schedule, at, 1)), Content())
    return Doubts(
        conflicts_of(session, schedule, at, at + HORIZON),
        forecast.upcoming(schedule, at),
        [(one.title, reason_message(reason)) for one, reason in content.left_out] if content.programmes else (),
        bulletins_met(session, schedule, at),
    )


def silent_among(session: Session, uids: Sequence[str], at: datetime.datetime) -> list[str]:
    """Return the titles of those of the imported schedules that would not always be heard."""
    found = session.scalars(sa.select(Schedule).where(Schedule.uid.in_(uids), Schedule.enabled)).all()
    forecast = Forecast(session, found)
    return sorted(one.title for one in found if is_over(one, at) or forecast.upcoming(one, at))


def is_over(schedule: Schedule, at: datetime.datetime) -> bool:
    """Return whether an enabled schedule has no start time left."""
    return schedule.enabled and not next_moments(schedule, at, 1)


def heard_here(session: Session, who: Visitor) -> sa.ColumnElement[bool]:
    """Return the condition that a schedule belongs to the visitor's units or plays on a speaker there."""
    own = Schedule.unit_id.in_(who.units)
    if sees_everything(session, who):
        return own
    return own | Schedule.zones.any(Zone.id.in_(zones_reaching(session, who)))
