"""Materialisation of schedules as rows of occurrences, ahead of time, each once, by any number of processes.

The rows of a time window are made to match the schedules. Only the end of that window is remembered between runs, so
that a crash, an edit or a clock change needs no special handling.
"""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from broadcast_bridge.schedule.day_filter import is_day_for
from broadcast_bridge.schedule.models import Occurrence, Schedule
from broadcast_bridge.schedule.recurrence import Moment, Recurrence, zone_named
from broadcast_bridge.schedule.states import OccurrenceReason, OccurrenceState
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.database import Base
from haichieu.locale import message
from haichieu.station import the_station

log = structlog.get_logger()

HORIZON = datetime.timedelta(hours=48)
"""How far ahead occurrences are created."""
LOOK_BACK = datetime.timedelta(days=7)
"""Occurrences of this period before now are created late, when the station was down, and reported as missed."""

_REMADE = frozenset({OccurrenceReason.HOLIDAY, OccurrenceReason.STATION_DOWN, OccurrenceReason.PROCESS_DIED})
"""Reasons of future occurrences that are made again, since the calendar or a wrong clock decided them."""
_TABLE = Base.metadata.tables[Occurrence.__tablename__]
_BATCH = 50
_ROWS = 5000
_STEP = datetime.timedelta(hours=1)
_ADVISORY_LOCK = 0x48435343  # any fixed number: "HCSC" in ASCII


@dataclass(frozen=True)
class Materialised:
    """The number of rows that a run added and removed."""

    added: int
    removed: int


def recurrence_of(schedule: Schedule) -> Recurrence:
    """Return the recurrence of a schedule."""
    return Recurrence(
        schedule.starts, schedule.timezone, schedule.rrule, schedule.lunar, tuple(schedule.exdates),
        tuple(schedule.rdates), schedule.valid_from, schedule.valid_until,
    )  # fmt: skip


def station_day(schedule: Schedule, moment: Moment, timezone: str) -> datetime.date:
    """Return the day of a due time at the station, whose holidays apply whatever clock a schedule has."""
    return moment.local_date if schedule.timezone == timezone else moment.at.astimezone(zone_named(timezone)).date()


def materialise(session: Session, until: datetime.datetime, at: datetime.datetime) -> Materialised:
    """Create the missing occurrences up to `until`, and remove planned ones that no longer belong.

    Occurrences before `at` remain as they are, and so do claimed, played, cancelled and missed ones. Times since the
    last run (the station was down) are created too, back to LOOK_BACK.
    """
    if session.get_bind().dialect.name == "postgresql":
        # Two processes would do the same work, and lock rows in different orders.
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
    alive = Schedule.enabled & Schedule.removed_at.is_(None)
    marks = session.execute(sa.select(Schedule.id, Schedule.materialised_until).where(alive))
    made_until = {schedule_id: moment for schedule_id, moment in marks}
    _remember(session, until)
    removed = _remove_of_the_dead(session, at)
    added = 0
    timezone = the_station(session).timezone
    schedules = session.scalars(
        sa.select(Schedule).where(alive).order_by(Schedule.id).execution_options(yield_per=_BATCH)
    )
    for batch in schedules.partitions():
        gained, lost = _make(session, batch, made_until, until, at, timezone)
        added, removed = added + gained, removed + lost
    return Materialised(added, removed)


def forget_future(session: Session, schedule_id: int, at: datetime.datetime) -> int:
    """Remove the future occurrences of a schedule that were not begun or decided; return how many."""
    gone = session.execute(
        sa.delete(Occurrence).where(Occurrence.schedule_id == schedule_id, Occurrence.due_at > at, _unbegun())
    )
    return _count(gone)


def _unbegun() -> sa.ColumnElement[bool]:
    """Match occurrences that may be made again: see `_REMADE`."""
    return (Occurrence.state == OccurrenceState.PLANNED) | sa.and_(
        Occurrence.reason.in_([str(why) for why in _REMADE]), Occurrence.broadcast_id.is_(None)
    )


def _remember(session: Session, until: datetime.datetime) -> None:
    """Store the end of the window, at most once per `_STEP`, since each update writes every schedule."""
    session.execute(
        sa.update(Schedule)
        .where(
            Schedule.enabled,
            Schedule.removed_at.is_(None),
            Schedule.materialised_until.is_(None)
            | (Schedule.materialised_until < until - _STEP)
            | (Schedule.materialised_until > until),
        )
        .values(materialised_until=until)
        .execution_options(synchronize_session=False)
    )


def _remove_of_the_dead(session: Session, at: datetime.datetime) -> int:
    dead = sa.select(Schedule.id).where(~Schedule.enabled | Schedule.removed_at.is_not(None))
    gone = session.execute(
        sa.delete(Occurrence)
        .where(Occurrence.schedule_id.in_(dead), Occurrence.due_at > at, _unbegun())
        .execution_options(synchronize_session=False)
    )
    return _count(gone)


def _make(
    session: Session,
    schedules: Iterable[Schedule],
    made_until: dict[int, datetime.datetime | None],
    until: datetime.datetime,
    at: datetime.datetime,
    timezone: str,
) -> tuple[int, int]:
    wanted: dict[tuple[int, datetime.datetime], dict[str, Any]] = {}
    ids: list[int] = []
    for schedule in schedules:
        begin = max(min(made_until.get(schedule.id) or at, at), at - LOOK_BACK)
        try:
            rows = {
                (schedule.id, moment.at): _row(schedule, moment, timezone)
                for moment in recurrence_of(schedule).between(begin, until)
            }
        except Exception:  # one faulty schedule must not keep the others off the air
            log.exception("schedule.set_aside", schedule=schedule.id)
            text = message("schedule.faulty", title=schedule.title)
            raise_alarm(session, AlarmKind.SCHEDULE_MISSED, f"schedule:{schedule.id}", text)
            continue
        ids.append(schedule.id)
        wanted.update(rows)
    existing = session.execute(
        sa.select(
            Occurrence.schedule_id, Occurrence.due_at, Occurrence.id, Occurrence.prepare_at, Occurrence.state,
            Occurrence.reason,
        ).where(Occurrence.schedule_id.in_(ids), Occurrence.due_at >= at - LOOK_BACK, Occurrence.due_at < until)
    )  # fmt: skip
    wrong: list[int] = []
    for schedule_id, due_at, occurrence_id, prepare_at, state, reason in existing:
        row = wanted.pop((schedule_id, due_at), None)
        right = row is not None and (row["prepare_at"], row["state"], row["reason"]) == (prepare_at, state, reason)
        if due_at <= at or right or not _may_be_remade(state, reason):
            continue
        wrong.append(occurrence_id)
        if row is not None:
            wanted[schedule_id, due_at] = row
    removed = 0
    for chunk in _chunks(wrong):
        removed += _count(session.execute(sa.delete(Occurrence).where(Occurrence.id.in_(chunk), _unbegun())))
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    # With RETURNING, SQLAlchemy writes a thousand rows a statement, which PostgreSQL takes much faster than one each.
    statement = insert(_TABLE).on_conflict_do_nothing(index_elements=["schedule_id", "due_at"]).returning(_TABLE.c.id)
    added = 0
    for chunk in _chunks(list(wanted.values())):
        added += len(session.execute(statement, chunk).all())
    return added, removed


def _may_be_remade(state: str, reason: str | None) -> bool:
    return state == OccurrenceState.PLANNED or reason in _REMADE


def _row(schedule: Schedule, moment: Moment, timezone: str) -> dict[str, Any]:
    day = station_day(schedule, moment, timezone)
    heard = is_day_for(schedule.days, day)
    return {
        "schedule_id": schedule.id,
        "due_at": moment.at,
        "prepare_at": moment.at - datetime.timedelta(seconds=schedule.lead_seconds),
        "local_date": day,
        "state": str(OccurrenceState.PLANNED if heard else OccurrenceState.SKIPPED),
        "reason": None if heard else str(OccurrenceReason.HOLIDAY),
    }


def _chunks(rows: list[Any]) -> Iterator[list[Any]]:
    for begin in range(0, len(rows), _ROWS):
        yield rows[begin : begin + _ROWS]


def _count(result: sa.Result[Any]) -> int:
    return result.rowcount if isinstance(result, sa.CursorResult) else 0
