"""Objects of the calendar's pages: schedules of an account's units, and the choices of the form."""

import datetime
import hashlib
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor
from admin.emergency.sounding import zones_for
from admin.programmes.scope import units_for
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from broadcast_bridge.schedule.conflicts import HORIZON, Conflict, conflicts_of
from broadcast_bridge.schedule.models import Playlist, Schedule
from haichieu.errors import NotFound
from haichieu.people import Official

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


def choices(
    session: Session, who: Visitor, also_programme: int | None = None, number: int | None = None
) -> Mapping[str, object]:
    """Return the units, zones, programmes, playlists and officials that a visitor may choose.

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
    return {
        "units": units_for(session, who),
        "zones": [zone for zone, _, _ in zones_for(session, who)],
        "programmes": programmes,
        "playlists": list(session.scalars(sa.select(Playlist).where(Playlist.unit_id.in_(who.units)))),
        "officials": list(
            session.scalars(sa.select(Official).where(Official.unit_id.in_(who.units)).order_by(Official.name))
        ),
    }


def clashes(session: Session, schedule: Schedule, at: datetime.datetime) -> Sequence[Conflict]:
    """Return the conflicts of a schedule in the coming weeks; none while it is disabled."""
    return conflicts_of(session, schedule, at, at + HORIZON) if schedule.enabled else []


def mark_of(found: Sequence[Conflict]) -> str:
    """Return a digest of the conflicts that were shown."""
    shown = [(one.winner.title, one.loser.title, one.at.isoformat(), one.times) for one in found]
    return hashlib.sha256(repr(shown).encode()).hexdigest()
