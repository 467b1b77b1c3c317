"""Changes of single days of a schedule: moved to another time, or left out, however far ahead.

A moved day is an exception to the rule plus a single date, as in other calendars (RFC 5545 §3.8.5). An occurrence
within the horizon has its own row and is cancelled by `editing.cancel_occurrence`.
"""

import datetime
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.schedule.day_filter import is_day_for
from broadcast_bridge.schedule.editing import Draft, Planner, change, draft_of
from broadcast_bridge.schedule.errors import NoSuchOccurrence, NoSuchPart, ScheduleRefused
from broadcast_bridge.schedule.materialise import recurrence_of
from broadcast_bridge.schedule.models import Occurrence, Schedule
from broadcast_bridge.schedule.recurrence import as_utc, iso, zone_named
from broadcast_bridge.schedule.states import OccurrenceState
from haichieu.station import the_station

_MINUTE = datetime.timedelta(minutes=1)


def move(
    session: Session,
    schedule_id: int,
    was: datetime.datetime,
    to: datetime.datetime,
    planner: Planner,
    version: int,
    at: datetime.datetime,
) -> Schedule:
    """Move what is due at `was` to `to` (local wall time of the schedule).

    Raises NoSuchOccurrence when nothing is due at `was` any more, ScheduleRefused when it cannot be due at `to`, and
    the errors of `editing.change`.
    """
    schedule = _schedule(session, schedule_id)
    _require_to_come(session, schedule, was, at)
    if _at(schedule, to) <= at:
        raise ScheduleRefused("schedule.day.past")
    if was == to or _is_due(schedule, to):
        raise ScheduleRefused("schedule.day.due_already")
    day = _at(schedule, to).astimezone(zone_named(the_station(session).timezone)).date()
    if not is_day_for(schedule.days, day):
        raise ScheduleRefused("schedule.day.off")
    draft = draft_of(schedule)
    if not (draft.rrule or draft.lunar or draft.rdates):
        draft = replace(draft, starts=to)
    else:
        draft = _without(draft, was)
        draft = replace(
            draft, rdates=(*draft.rdates, iso(to)), exdates=tuple(one for one in draft.exdates if one != iso(to))
        )
    moved = change(session, schedule_id, draft, planner, version, at)
    if not _is_due(moved, to):
        raise ScheduleRefused("schedule.day.outside")
    return moved


def leave_out(
    session: Session, schedule_id: int, was: datetime.datetime, planner: Planner, version: int, at: datetime.datetime
) -> Schedule:
    """Exclude one day of a recurring schedule. Raises NoSuchOccurrence and the errors of `editing.change`."""
    schedule = _schedule(session, schedule_id)
    _require_to_come(session, schedule, was, at)
    return change(session, schedule_id, _without(draft_of(schedule), was), planner, version, at)


def _without(draft: Draft, was: datetime.datetime) -> Draft:
    """Return the draft without one of its times, whether it comes from the rule or is a single date."""
    rest = tuple(one for one in draft.rdates if one != iso(was))
    return replace(draft, rdates=rest, exdates=tuple(dict.fromkeys((*draft.exdates, iso(was)))))


def _require_to_come(session: Session, schedule: Schedule, was: datetime.datetime, at: datetime.datetime) -> None:
    moment = _at(schedule, was)
    row = session.scalar(
        sa.select(Occurrence).where(Occurrence.schedule_id == schedule.id, Occurrence.due_at == moment)
    )
    begun = row is not None and (row.state != OccurrenceState.PLANNED or row.broadcast_id is not None)
    if moment <= at or begun or not _is_due(schedule, was):
        raise NoSuchOccurrence("schedule.occurrence.not_to_come")


def _is_due(schedule: Schedule, wall: datetime.datetime) -> bool:
    moment = _at(schedule, wall)
    return bool(recurrence_of(schedule).between(moment, moment + _MINUTE))


def _at(schedule: Schedule, wall: datetime.datetime) -> datetime.datetime:
    return as_utc(wall, zone_named(schedule.timezone))


def _schedule(session: Session, schedule_id: int) -> Schedule:
    schedule = session.get(Schedule, schedule_id)
    if schedule is None or schedule.removed_at is not None:
        raise NoSuchPart("schedule.unknown", number=schedule_id)
    return schedule
