"""Content of schedules: the programmes that each plays at a given time, and those it leaves out.

Nothing is chosen before that time: a schedule of a category plays the programme that was approved last, and a playlist
leaves out what may not be played then.
"""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from broadcast_bridge.broadcasts.clearance import programme_refusal
from broadcast_bridge.broadcasts.states import Reason
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from broadcast_bridge.schedule.models import Schedule, ScheduleItem
from broadcast_bridge.schedule.states import OccurrenceReason, What

LIVE_SECONDS = 30 * 60.0
"""Assumed length of a live call without an expected duration."""
UNKNOWN_SECONDS = 5 * 60.0
"""Assumed length of a programme whose audio does not exist yet."""

_REASONS = {
    Reason.WITHDRAWN: OccurrenceReason.WITHDRAWN,
    Reason.EXPIRED: OccurrenceReason.EXPIRED,
    Reason.NOT_APPROVED: OccurrenceReason.NOT_APPROVED,
}
_FOREVER = datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Content:
    """What is played: `programmes` in order, and the others with the reason; `obstacle` when nothing can be played."""

    programmes: Sequence[Programme] = ()
    left_out: Sequence[tuple[Programme, OccurrenceReason]] = ()
    obstacle: OccurrenceReason | None = None


class Contents:
    """The programmes of some schedules, read once."""

    def __init__(self, session: Session, schedules: Collection[Schedule]) -> None:
        with session.no_autoflush:
            _load(session, schedules)
            self._newest = _newest(session, schedules)

    def of(self, schedule: Schedule, at: datetime.datetime) -> Content:
        """Return what a schedule plays at a given time; nothing for a live call."""
        match What(schedule.what):
            case What.PROGRAMME:
                return playable([schedule.programme] if schedule.programme else [], at)
            case What.PLAYLIST:
                return playable([item.programme for item in schedule.items], at)
            case What.NEWEST:
                for programme in self._newest.get((schedule.unit_id, schedule.category), ()):
                    if _obstacle(programme, at) is None:
                        return Content([programme])
                return Content(obstacle=OccurrenceReason.NOTHING_APPROVED)
            case What.LIVE:
                return Content()

    def seconds(self, schedule: Schedule, at: datetime.datetime, content: Content | None = None) -> float:
        """Return the expected length of an occurrence; `content` is what it plays, if known already."""
        if schedule.expected_seconds is not None:
            return schedule.expected_seconds
        if schedule.what == What.LIVE:
            return LIVE_SECONDS
        content = content or self.of(schedule, at)
        programmes = content.programmes or [programme for programme, _reason in content.left_out]
        if not programmes:
            return UNKNOWN_SECONDS
        return sum(UNKNOWN_SECONDS if one.seconds is None else one.seconds for one in programmes)


def playable(programmes: Sequence[Programme], at: datetime.datetime) -> Content:
    """Return these programmes as they may be played at a given time. Without any, the first one's reason is given."""
    judged = [(programme, _obstacle(programme, at)) for programme in programmes]
    heard = [programme for programme, reason in judged if reason is None]
    left_out = [(programme, reason) for programme, reason in judged if reason is not None]
    if heard:
        return Content(heard, left_out)
    return Content((), left_out, left_out[0][1] if left_out else OccurrenceReason.NO_SOUND)


def _obstacle(programme: Programme, at: datetime.datetime) -> OccurrenceReason | None:
    refused = programme_refusal(programme.state, programme.valid_until, at)
    if refused is not None:
        return _REASONS[refused]
    return OccurrenceReason.NO_SOUND if programme.sound_id is None else None


def _load(session: Session, schedules: Collection[Schedule]) -> None:
    """Load the playlists of these schedules in two queries, instead of several for each when they are read."""
    playlists = [one.id for one in schedules if one.what == What.PLAYLIST and one.id is not None]
    if playlists:
        parts = selectinload(Schedule.items).joinedload(ScheduleItem.programme)
        session.scalars(sa.select(Schedule).where(Schedule.id.in_(playlists)).options(parts)).all()


def _newest(session: Session, schedules: Collection[Schedule]) -> Mapping[tuple[int, str], Sequence[Programme]]:
    """Return the programmes that schedules of a category play at one time or another, in one query.

    By unit and category, the one approved last first. Each of the others is valid for longer than all before it.
    """
    wanted = {(one.unit_id, one.category) for one in schedules if one.what == What.NEWEST}
    if not wanted:
        return {}
    until = sa.func.coalesce(Programme.valid_until, sa.literal(_FOREVER, Programme.valid_until.type))
    # The last step before approval is not repeated afterwards: any later change makes it a draft again.
    longest = sa.func.max(until).over(
        partition_by=(Programme.unit_id, Programme.category),
        order_by=(Programme.updated_at.desc(), Programme.id.desc()),
        rows=(None, -1),
    )
    found = (
        sa.select(Programme.id, until.label("until"), longest.label("longest"))
        .where(
            sa.or_(*((Programme.unit_id == unit) & (Programme.category == name) for unit, name in sorted(wanted))),
            Programme.state == ProgrammeState.APPROVED,
            Programme.sound_id.is_not(None),
        )
        .subquery()
    )
    programmes = session.scalars(
        sa.select(Programme)
        .join(found, found.c.id == Programme.id)
        .where(found.c.longest.is_(None) | (found.c.until > found.c.longest))
        .options(joinedload(Programme.sound))
        .order_by(Programme.updated_at.desc(), Programme.id.desc())
    )
    newest: dict[tuple[int, str], list[Programme]] = {}
    for programme in programmes:
        newest.setdefault((programme.unit_id, programme.category), []).append(programme)
    return newest
